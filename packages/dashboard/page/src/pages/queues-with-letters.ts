import type { QueueRow } from '../../../src/api/types.ts';

/** Queues that are offered; the others are on the page of dead letters. */
const OFFERED = 10;

/** The queues that hold most dead letters. */
export function queuesWithLetters(rows: Iterable<QueueRow>): readonly QueueRow[] {
  return [...rows]
    .filter(({ counts }) => (counts.dead ?? 0) > 0)
    .sort((a, b) => (b.counts.dead ?? 0) - (a.counts.dead ?? 0))
    .slice(0, OFFERED);
}
