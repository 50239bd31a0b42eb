import type { Counts, Overview, QueueRow } from '../api/types.ts';
import type { Sample } from './sample.ts';

/** Sums over the queues that a user sees. @param seesAll whether that is all of them */
export function overviewOf(sample: Sample, queues: readonly QueueRow[], seesAll: boolean): Overview {
  const { at, lookedSince, error } = sample;
  // Nothing is known: no figure is zero.
  if (lookedSince === undefined)
    return { at, counts: {}, asOf: {}, warnings: [], ...(error !== undefined && { error }) };
  const names = new Set(queues.map(({ name }) => name));
  const oldest = queues.reduce<QueueRow | undefined>(
    (most, row) => ((row.oldestMs ?? -1) > (most?.oldestMs ?? -1) && row.oldestMs !== undefined ? row : most),
    undefined,
  );
  const paused = queues.filter((row) => row.paused);
  const workers = sample.workers.filter((worker) => seesAll || worker.queues.some(({ name }) => names.has(name)));
  const asOf = queues.map((row) => row.asOf);
  const running = least(asOf.map((each) => each.running));
  const delayed = least(asOf.map((each) => each.delayed));
  const done = seesAll ? sample.total.done : sum(queues.map((row) => row.done));
  return {
    at,
    lookedSince,
    queues: queues.length,
    paused: paused.length,
    counts: countsOf(queues),
    asOf: { ...(running !== undefined && { running }), ...(delayed !== undefined && { delayed }) },
    ...(paused.length > 0 && { readyPaused: sum(paused.map(({ counts }) => counts.ready)) ?? 0 }),
    ...(sample.reports !== undefined && {
      workers: workers.length,
      slots: workers.reduce((slots, worker) => slots + worker.slots, 0),
    }),
    ...(seesAll && sample.total),
    ...(done !== undefined && { done }),
    ...(oldest?.oldestMs !== undefined && { oldestMs: oldest.oldestMs, oldestQueue: oldest.name }),
    warnings: sample.warnings.filter(({ queue }) => (queue === undefined ? seesAll : names.has(queue))),
    ...(error !== undefined && { error }),
  };
}

/** A sum is left out if no queue knows the figure. */
function countsOf(queues: readonly QueueRow[]): Counts {
  const counts: { -readonly [State in keyof Counts]: Counts[State] } = {};
  for (const state of ['ready', 'delayed', 'running', 'dead'] as const) {
    const total = sum(queues.map((row) => row.counts[state]));
    if (total !== undefined) counts[state] = total;
  }
  return counts;
}

function sum(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 && values.length > 0 ? undefined : known.reduce((total, value) => total + value, 0);
}

function least(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
