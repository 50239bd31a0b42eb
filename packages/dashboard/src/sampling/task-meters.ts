import type { AgedReport, TaskTotals } from '@brokkr/core/adapter';
import type { TaskRow } from '../api/types.ts';
import { ROWS, rowOf } from './history-ring.ts';
import { type Ended, Meter } from './meter.ts';

/** After a longer time without a sample, it is unknown when the tasks ended: they are not counted. */
const GAP_MS = 60_000;
/** Tasks and queues that are measured. More are summed in the whole only. */
const MOST_METERS = 2_000;

interface Known {
  readonly startedAt: number;
  readonly totals: ReadonlyMap<string, TaskTotals>;
}

/** Turns the growing totals of workers' reports into what ended in each sample. */
export class TaskMeters {
  readonly all = new Meter(ROWS);
  readonly queues = new Map<string, Meter>();
  /** By queue and task, with a space between: neither has one. */
  readonly tasks = new Map<string, Meter>();
  #workers = new Map<string, Known>();
  #since: number | undefined;
  #lastAt: number | undefined;

  /** Seconds of the last minute that were counted; 0 before the second sample. */
  seconds(at: number): number {
    return this.#since === undefined ? 0 : Math.min(60, (at - this.#since) / 1_000);
  }

  take(reports: readonly AgedReport[], at: number): void {
    const isGap = this.#lastAt === undefined || at - this.#lastAt > GAP_MS;
    if (isGap) {
      this.#workers.clear();
      this.#since = at;
    }
    const before = this.#lastAt ?? at;
    this.#lastAt = at;
    const workers = new Map<string, Known>();
    for (const { report } of reports) {
      const totals = new Map(report.totals.map((each) => [`${each.queue} ${each.task}`, each]));
      const known = this.#workers.get(report.id);
      workers.set(report.id, { startedAt: report.startedAt, totals });
      // A worker that is new to us may have counted for days; one that has just started, has not.
      if (known?.startedAt !== report.startedAt && (isGap || report.startedAt < before)) continue;
      const earlier = known?.startedAt === report.startedAt ? known.totals : undefined;
      for (const [key, now] of totals) this.#count(key, now, earlier?.get(key), at);
    }
    this.#workers = workers;
  }

  /** Writes the history of everything that is measured. @param queues that exist now */
  keep(queues: readonly string[], at: number): void {
    const row = rowOf(at);
    for (const queue of queues) this.queueMeter(queue)?.keep(row);
    for (const meter of this.tasks.values()) meter.keep(row);
    this.all.keep(row);
  }

  queueMeter(queue: string): Meter | undefined {
    return meterIn(this.queues, queue);
  }

  #count(key: string, now: TaskTotals, before: TaskTotals | undefined, at: number): void {
    const ended = endedSince(now, before);
    if (ended === undefined) return;
    const row = rowOf(at);
    this.all.add(row, ended);
    meterIn(this.queues, now.queue)?.add(row, ended);
    meterIn(this.tasks, key)?.add(row, ended);
  }
}

/** The sum of the totals of all workers by queue and task. */
export function totalsOf(reports: readonly AgedReport[]): ReadonlyMap<string, TaskRow['totals']> {
  const sums = new Map<string, TaskRow['totals']>();
  for (const { report } of reports) {
    for (const each of report.totals) {
      const key = `${each.queue} ${each.task}`;
      const sum = sums.get(key);
      sums.set(key, {
        succeeded: (sum?.succeeded ?? 0) + each.succeeded,
        retried: (sum?.retried ?? 0) + each.retried,
        dead: (sum?.dead ?? 0) + each.dead,
        expired: (sum?.expired ?? 0) + each.expired,
        cancelled: (sum?.cancelled ?? 0) + each.cancelled,
        leaseLost: (sum?.leaseLost ?? 0) + each.leaseLost,
      });
    }
  }
  return sums;
}

function meterIn(meters: Map<string, Meter>, key: string): Meter | undefined {
  const known = meters.get(key);
  if (known !== undefined || meters.size >= MOST_METERS) return known;
  const made = new Meter();
  meters.set(key, made);
  return made;
}

/** @returns `undefined` if nothing ended, or the totals fell: then another worker has taken the id */
function endedSince(now: TaskTotals, before: TaskTotals | undefined): Ended | undefined {
  const succeeded = now.succeeded - (before?.succeeded ?? 0);
  const failed = now.retried + now.dead - (before?.retried ?? 0) - (before?.dead ?? 0);
  if (!(succeeded >= 0 && failed >= 0)) return undefined;
  const dead = Math.max(0, now.dead - (before?.dead ?? 0));
  const ran = now.ran.counts.map((count, index) => count - (before?.ran.counts[index] ?? 0));
  const waited = now.waited.counts.map((count, index) => count - (before?.waited.counts[index] ?? 0));
  return { succeeded, failed, dead, ran, waited };
}
