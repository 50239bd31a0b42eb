import { type AgedReport, silentAfterMs, type SuspectReport } from '@brokkr/core/adapter';
import type { AsOf, Counts, QueueRow, TaskRow, WorkerRow } from '../api/types.ts';
import { shownError } from '../source/shown-error.ts';
import { type HistoryRing, rowOf } from './history-ring.ts';
import { type QueueFigures, runningOf } from './queue-figures.ts';
import { type TaskMeters, totalsOf } from './task-meters.ts';

/** Points of a trend, and the rows of history in each. */
const POINTS = 30;
const ROWS_A_POINT = 12;

export interface RowsOptions {
  readonly figures: readonly QueueFigures[];
  readonly reports: readonly AgedReport[] | undefined;
  readonly meters: TaskMeters;
  readonly at: number;
  readonly countsRunning: boolean;
  readonly keepsPauses: boolean;
}

interface Serving {
  readonly workers: number;
  readonly slots: number;
  readonly obeying: number;
}

export function queueRows(options: RowsOptions): ReadonlyMap<string, QueueRow> {
  const { figures, reports, at } = options;
  const serving = servingOf(reports ?? []);
  const running = runningOf(reports ?? [], at);
  return new Map(
    figures.map((each) => [each.name, queueRow(each, serving.get(each.name), running.get(each.name), options)]),
  );
}

function queueRow(
  { name, report, delayedAt, pausedAt, oldestAt }: QueueFigures,
  serving: Serving | undefined,
  running: { readonly count: number; readonly at: number } | undefined,
  { reports, meters, at, countsRunning, keepsPauses }: RowsOptions,
): QueueRow {
  const meter = meters.queueMeter(name);
  const seconds = meters.seconds(at);
  const rates = reports === undefined || seconds === 0 ? undefined : meter?.rates(rowOf(at), seconds);
  const isOld = running !== undefined && (!countsRunning || at - running.at > silentAfterMs(reports?.length ?? 0));
  const asOf: AsOf = {
    ...(delayedAt !== undefined && delayedAt < at && { delayed: delayedAt }),
    ...(!countsRunning && running !== undefined && { running: Math.round(running.at) }),
    ...(isOld && { reports: Math.round(running.at) }),
  };
  return {
    name,
    ...(keepsPauses && { paused: pausedAt !== undefined }),
    ...(pausedAt !== undefined && { pausedAt }),
    counts: countsIn(report, runningIn(report, running?.count, countsRunning || reports === undefined)),
    asOf,
    ...(report.consumers !== undefined && { consumers: report.consumers }),
    ...(reports !== undefined && { workers: serving?.workers ?? 0, slots: serving?.slots ?? 0 }),
    ...(pausedAt !== undefined && reports !== undefined && { obeying: serving?.obeying ?? 0 }),
    ...(rates !== undefined && { done: rates.done }),
    ...(rates?.failed !== undefined && { failed: rates.failed }),
    ...(rates?.wait50 !== undefined && { wait50: rates.wait50 }),
    ...(rates?.wait95 !== undefined && { wait95: rates.wait95 }),
    ...(rates?.run95 !== undefined && { run95: rates.run95 }),
    ...(oldestAt !== undefined && oldestAt > 0 && { oldestMs: Math.max(0, at - oldestAt) }),
    trend: meter === undefined ? [] : trendOf(meter.history, at),
    ...(report.error !== undefined && { error: shownError(report.error) }),
  };
}

/** A queue that no report names has consumers without a report, or nothing runs. */
function runningIn(
  { running, consumers }: QueueFigures['report'],
  reported: number | undefined,
  isCounted: boolean,
): number | undefined {
  if (isCounted) return running;
  return reported ?? (consumers ? undefined : 0);
}

function countsIn(report: QueueFigures['report'], running: number | undefined): Counts {
  const { ready, delayed, dead, error } = report;
  return {
    ...(ready !== undefined && { ready }),
    ...(delayed !== undefined && { delayed }),
    ...(running !== undefined && error === undefined && { running }),
    ...(dead !== undefined && { dead }),
  };
}

function servingOf(reports: readonly AgedReport[]): ReadonlyMap<string, Serving> {
  const serving = new Map<string, Serving>();
  for (const { report } of reports) {
    // A worker that is quiet or stopping takes nothing.
    if (report.state !== 'running') continue;
    for (const queue of Object.keys(report.queues)) {
      const sum = serving.get(queue);
      serving.set(queue, {
        workers: (sum?.workers ?? 0) + 1,
        slots: (sum?.slots ?? 0) + report.concurrency,
        obeying: (sum?.obeying ?? 0) + (report.paused.includes(queue) ? 1 : 0),
      });
    }
  }
  return serving;
}

/** The last known number of ready messages in each two minutes of the last hour; nothing if none is known. */
function trendOf(history: HistoryRing, at: number): readonly (number | null)[] {
  const last = Math.floor(rowOf(at) / ROWS_A_POINT);
  const points = Array.from({ length: POINTS }, (_, index) => {
    const first = (last - POINTS + 1 + index) * ROWS_A_POINT;
    for (let row = first + ROWS_A_POINT - 1; row >= first; row--) {
      const value = history.get(row, 'ready');
      if (value !== undefined) return value;
    }
    return null;
  });
  return points.every((point) => point === null) ? [] : points;
}

export function workerRows(reports: readonly AgedReport[], at: number): readonly WorkerRow[] {
  const silentMs = silentAfterMs(reports.length);
  return reports
    .map(({ report, ageMs }) => ({
      id: report.id,
      host: report.host,
      pid: report.pid,
      version: report.version,
      startedAt: report.startedAt,
      state: report.state,
      queues: Object.entries(report.queues).map(([name, weight]) => ({ name, weight })),
      paused: report.paused,
      slots: report.concurrency,
      ...(report.suspect !== undefined && { suspect: suspectIn(report.suspect) }),
      runningCount: report.runningCount,
      running: report.running,
      rssBytes: report.rssBytes,
      loopDelayMs: report.loopDelayMs,
      reportedAt: Math.round(at - ageMs),
      ...(ageMs > silentMs && { silent: true as const }),
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function suspectIn({ id, task, queue, since }: SuspectReport): NonNullable<WorkerRow['suspect']> {
  return { id, task, queue, since };
}

/** @param lastErrors by task, as letters were seen */
export function taskRows(
  reports: readonly AgedReport[],
  meters: TaskMeters,
  at: number,
  lastErrors: ReadonlyMap<string, NonNullable<TaskRow['lastError']>>,
): readonly TaskRow[] {
  const seconds = meters.seconds(at);
  const oldest = Math.min(...reports.map(({ ageMs }) => Math.round(at - ageMs)));
  return [...totalsOf(reports)]
    .map(([key, totals]) => {
      const [queue = '', task = ''] = key.split(' ');
      const rates = seconds === 0 ? undefined : meters.tasks.get(key)?.rates(rowOf(at), seconds);
      const lastError = lastErrors.get(key);
      return {
        task,
        queue,
        ...(rates ?? (seconds > 0 && { done: 0 })),
        totals,
        ...(lastError !== undefined && { lastError }),
        ...(at - oldest > silentAfterMs(reports.length) && { asOf: oldest }),
      };
    })
    .sort((a, b) => (a.task < b.task ? -1 : 1));
}

/** Writes the counts of queues into their histories. The sum of dead letters is left out if that of a queue is not known. */
export function keepCounts(figures: readonly QueueFigures[], meters: TaskMeters, at: number): void {
  const row = rowOf(at);
  const sums = { ready: 0, delayed: 0, dead: 0 };
  for (const { name, report } of figures) {
    const history = meters.queueMeter(name)?.history;
    for (const column of ['ready', 'delayed', 'dead'] as const) {
      history?.set(row, column, report[column]);
      sums[column] += report[column] ?? 0;
    }
  }
  const isDeadKnown = figures.every(({ report }) => report.dead !== undefined);
  meters.all.history.set(row, 'ready', sums.ready);
  meters.all.history.set(row, 'delayed', sums.delayed);
  if (isDeadKnown) meters.all.history.set(row, 'dead', sums.dead);
}
