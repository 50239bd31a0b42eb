import type { Finding } from '@brokkr/core/adapter';
import type { QueueRow, Warning } from '../api/types.ts';
import { rowOf } from './history-ring.ts';
import type { TaskMeters } from './task-meters.ts';

/** New dead letters within ten minutes that are a burst. */
const BURST = 10;
const BURST_MS = 600_000;
const MOST_WARNINGS = 50;

/** What is known of recent deaths in a queue. */
export interface Burst {
  readonly queue: string;
  readonly added: number;
}

/** Queues in which at least 10 messages died within the last ten minutes, most first. */
export function burstsOf(rows: Iterable<QueueRow>, meters: TaskMeters, at: number): readonly Burst[] {
  const from = rowOf(at - BURST_MS);
  const bursts: Burst[] = [];
  for (const { name, counts } of rows) {
    const history = meters.queues.get(name)?.history;
    if (history === undefined || counts.dead === undefined || counts.dead < BURST) continue;
    let before: number | undefined;
    for (let row = from; before === undefined && row <= rowOf(at); row++) before = history.get(row, 'dead');
    const added = counts.dead - (before ?? counts.dead);
    if (added >= BURST) bursts.push({ queue: name, added });
  }
  return bursts.sort((a, b) => b.added - a.added);
}

/** Dead letters that were added within the last hour, or since the dashboard looks. */
export function deadAdded(meters: TaskMeters, at: number): number | undefined {
  const { history } = meters.all;
  const last = rowOf(at);
  let first: number | undefined;
  for (let row = rowOf(at - 3_600_000) + 1; first === undefined && row < last; row++) first = history.get(row, 'dead');
  const now = history.get(last, 'dead');
  return first === undefined || now === undefined ? undefined : now - first;
}

/** Queues that no worker serves, that are paused, or that cannot be read. */
export function queueWarnings(
  rows: Iterable<QueueRow>,
  areReported: boolean,
  unserved: ReadonlySet<string>,
): readonly Warning[] {
  const warnings: Warning[] = [];
  for (const row of rows) {
    const { name, counts, error, paused, pausedAt, workers, consumers, obeying } = row;
    const ready = counts.ready ?? 0;
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
    } else if (areReported && ready > 0 && workers === 0 && !consumers && unserved.has(name)) {
      const message = `${waiting(ready)}, and no worker takes this queue`;
      warnings.push({ severity: 'warning', code: 'QUEUE_UNSERVED', message, queue: name, count: ready });
    }
  }
  return warnings.slice(0, MOST_WARNINGS);
}

/** `1,204 messages wait`. */
function waiting(ready: number): string {
  return `${ready.toLocaleString('en-US')} ${ready === 1 ? 'message waits' : 'messages wait'}`;
}

/** Queues with ready messages and no worker. A queue counts as unserved once it was so in two samples. */
export function waitingAlone(rows: Iterable<QueueRow>): ReadonlySet<string> {
  return new Set(
    [...rows]
      .filter(({ counts, workers, paused }) => (counts.ready ?? 0) > 0 && workers === 0 && !paused)
      .map(({ name }) => name),
  );
}

export function findingWarnings(findings: readonly Finding[]): readonly Warning[] {
  return findings
    .slice(0, MOST_WARNINGS)
    .map(({ severity, code, message }) => ({ severity: severity === 'error' ? 'error' : 'warning', code, message }));
}
