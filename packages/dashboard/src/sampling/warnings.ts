import type { Finding } from '@brokkr/core/adapter';
import type { QueueRow, Warning } from '../api/types.ts';
import { burstStart } from './burst-start.ts';
import { type HistoryRing, rowOf, STEP_MS } from './history-ring.ts';
import type { TaskMeters } from './task-meters.ts';

/** Deaths within ten minutes that are a burst. */
const BURST = 10;
const BURST_MS = 600_000;
const MOST_WARNINGS = 50;

/** What is known of recent deaths in a queue. */
export interface Burst {
  readonly queue: string;
  readonly added: number;
  /** Whether workers counted the deaths. If not, there are so many more dead letters than ten minutes ago. */
  readonly isCounted: boolean;
  /** When it began, to ten seconds. */
  readonly since: number;
}

/**
 * Queues in which at least 10 messages died within the last ten minutes, most first. Dead letters may be retried or
 * discarded while others die, so the deaths are those that workers counted, unless more letters were added otherwise.
 */
export function burstsOf(rows: Iterable<QueueRow>, meters: TaskMeters, at: number): readonly Burst[] {
  const bursts: Burst[] = [];
  for (const { name, counts } of rows) {
    const meter = meters.queues.get(name);
    if (meter === undefined || !counts.dead) continue;
    const died = meter.died(rowOf(at));
    const grown = growthOf(meter.history, counts.dead, at);
    const isCounted = died.count >= grown.count;
    const { count, byRow } = isCounted ? died : grown;
    if (count < BURST) continue;
    const since = burstStart(
      byRow.map(([row, dead]) => ({ at: row * STEP_MS, count: dead })),
      BURST,
    );
    bursts.push({ queue: name, added: count, isCounted, since: since ?? at });
  }
  return bursts.sort((a, b) => b.added - a.added);
}

/** How many more letters are dead than ten minutes ago, and by how many their number grew in each row. */
function growthOf(
  history: HistoryRing,
  dead: number,
  at: number,
): { readonly count: number; readonly byRow: readonly (readonly [row: number, added: number])[] } {
  const last = rowOf(at);
  const byRow: [row: number, added: number][] = [];
  let first: number | undefined;
  let before: number | undefined;
  for (let row = rowOf(at - BURST_MS); row <= last; row++) {
    const then = row === last ? dead : history.get(row, 'dead');
    if (then === undefined) continue;
    if (before !== undefined && then > before) byRow.push([row, then - before]);
    first ??= then;
    before = then;
  }
  return { count: dead - (first ?? dead), byRow };
}

/** Queues that no worker serves, that are paused, or that cannot be read. @param unserved since when, by name */
export function queueWarnings(
  rows: Iterable<QueueRow>,
  areReported: boolean,
  unserved: ReadonlyMap<string, number>,
): readonly Warning[] {
  const warnings: Warning[] = [];
  for (const row of rows) {
    const { name, counts, error, paused, pausedAt, workers, consumers, obeying } = row;
    const ready = counts.ready ?? 0;
    const since = unserved.get(name);
    if (error !== undefined) {
      warnings.push({ severity: 'error', code: error.code, message: `cannot be read: ${error.message}`, queue: name });
    } else if (paused) {
      const silent = (workers ?? 0) - (obeying ?? 0);
      const disobey = silent > 0 ? `; ${silent} of ${workers} workers do not obey yet` : '';
      const message = `is paused, ${waiting(ready)}${disobey}`;
      if (ready > 0 || silent > 0) {
        warnings.push({
          severity: 'warning',
          code: 'QUEUE_PAUSED',
          message,
          queue: name,
          count: ready,
          ...(pausedAt !== undefined && { since: pausedAt }),
        });
      }
    } else if (areReported && ready > 0 && workers === 0 && !consumers && since !== undefined) {
      const message = `${waiting(ready)}, and no worker takes this queue`;
      warnings.push({ severity: 'warning', code: 'QUEUE_UNSERVED', message, queue: name, count: ready, since });
    }
  }
  return warnings.slice(0, MOST_WARNINGS);
}

/** `1,204 messages wait`. */
function waiting(ready: number): string {
  return `${ready.toLocaleString('en-US')} ${ready === 1 ? 'message waits' : 'messages wait'}`;
}

/**
 * Queues with ready messages and no worker, and since when. A queue counts as unserved once it was so in two samples.
 *
 * @param before of the last sample
 */
export function waitingAlone(
  rows: Iterable<QueueRow>,
  before: ReadonlyMap<string, number>,
  at: number,
): ReadonlyMap<string, number> {
  return new Map(
    [...rows]
      .filter(({ counts, workers, paused }) => (counts.ready ?? 0) > 0 && workers === 0 && !paused)
      .map(({ name }) => [name, before.get(name) ?? at]),
  );
}

export function findingWarnings(findings: readonly Finding[]): readonly Warning[] {
  return findings
    .slice(0, MOST_WARNINGS)
    .map(({ severity, code, message }) => ({ severity: severity === 'error' ? 'error' : 'warning', code, message }));
}
