import type { TaskTotals } from '../broker/worker-report.ts';
import { errorRecord } from '../errors/error-record.ts';
import type { RunOutcome } from '../middleware/telemetry.ts';
import { type Cell, CellTable, OTHER } from './cell-table.ts';
import { Durations } from './durations.ts';
import type { TotalsSource } from './report-source.ts';

/** Error codes that are counted one by one for each task. */
const MOST_ERRORS = 20;

/** Most entries of `totals()`. */
const MOST_TOTALS = 200;

/** https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-/;
/** Any program may write the header: other texts name no trace. */
const TRACE_ID = /^[\w.-]{1,64}$/;

export type OutcomeCounts = { [O in RunOutcome]: number };

/** Counts of one task on one queue since the worker started. */
export class TaskCell implements Cell {
  readonly queue: string;
  readonly task: string;
  readonly outcomes: OutcomeCounts = noOutcomes();
  /** How long handlers ran. */
  readonly ran = new Durations();
  /** How long messages were due before their handlers started. */
  readonly waited = new Durations();
  /** Retries by the code or name of their error: 20 of them, further ones as `_other`. */
  readonly retries = new Map<string, number>();

  constructor(queue: string, task: string) {
    this.queue = queue;
    this.task = task;
  }

  countRetry(error: unknown): void {
    const { code, name } = errorRecord(error);
    // Two labels that differ in characters which no encoding can carry would be one series twice.
    this.addRetries((code || name || 'Error').replaceAll(/[^\x20-\x7e]/g, '?'), 1);
  }

  addRetries(error: string, count: number): void {
    const label = this.retries.has(error) || this.retries.size < MOST_ERRORS ? error : OTHER;
    this.retries.set(label, (this.retries.get(label) ?? 0) + count);
  }
}

/** Counts what a worker does, by queue and task. Reports, metrics and the line a minute read it. */
export class Stats implements TotalsSource {
  readonly #cells = new CellTable((queue, task) => new TaskCell(queue, task));

  /**
   * Counts a delivery that ended.
   * @param task its name; `undefined` if this process does not define it: names that senders invent become no labels
   * @param ranMs how long its handler ran; below 0 if it did not run
   * @param waitedMs how long the message was due before that
   * @returns its cell
   */
  ended(
    queue: string,
    task: string | undefined,
    outcome: RunOutcome,
    ranMs: number,
    waitedMs: number,
    error?: unknown,
  ): TaskCell {
    const cell = this.#cells.get(queue, task ?? OTHER);
    cell.outcomes[outcome]++;
    if (ranMs >= 0) {
      cell.ran.observe(ranMs);
      cell.waited.observe(waitedMs);
    }
    if (outcome === 'retried') cell.countRetry(error);
    return cell;
  }

  cells(): Iterable<TaskCell> {
    return this.#cells;
  }

  /** All cells in one: how many deliveries ended in which way. */
  outcomes(): Readonly<OutcomeCounts> {
    const sum = noOutcomes();
    for (const { outcomes } of this.#cells) addOutcomes(sum, outcomes);
    return sum;
  }

  /** The cells as reports have them: at most 200, the tasks after that in the last one. */
  totals(): readonly TaskTotals[] {
    const cells = [...this.#cells];
    if (cells.length <= MOST_TOTALS) return cells.map(totalsOf);
    const rest = new TaskCell(OTHER, OTHER);
    for (const cell of cells.splice(MOST_TOTALS - 1)) addCell(rest, cell);
    return [...cells, rest].map(totalsOf);
  }

  /** Adds the counts of a worker that stopped. */
  add(other: Stats): void {
    for (const cell of other.cells()) addCell(this.#cells.get(cell.queue, cell.task), cell);
  }
}

/** Remembers the trace of a run beside its durations, if the sender's headers name one. */
export function exemplify(
  cell: TaskCell,
  headers: Readonly<Record<string, string>>,
  ranMs: number,
  waitedMs: number,
  now: () => number,
): void {
  const { traceparent, traceId } = headers;
  if (traceparent === undefined && traceId === undefined) return;
  const id = TRACEPARENT.exec(traceparent ?? '')?.[1] ?? (TRACE_ID.test(traceId ?? '') ? traceId : undefined);
  if (id === undefined) return;
  const at = now();
  cell.ran.exemplify({ traceId: id, ms: ranMs, at });
  cell.waited.exemplify({ traceId: id, ms: waitedMs, at });
}

function addCell(to: TaskCell, from: TaskCell): void {
  addOutcomes(to.outcomes, from.outcomes);
  to.ran.add(from.ran);
  to.waited.add(from.waited);
  for (const [error, count] of from.retries) to.addRetries(error, count);
}

function addOutcomes(to: OutcomeCounts, from: Readonly<OutcomeCounts>): void {
  for (const outcome of Object.keys(to) as RunOutcome[]) to[outcome] += from[outcome];
}

function totalsOf({ queue, task, outcomes, ran, waited }: TaskCell): TaskTotals {
  const { succeeded, retried, dead, expired, cancelled, lease_lost: leaseLost } = outcomes;
  return {
    queue,
    task,
    succeeded,
    retried,
    dead,
    expired,
    cancelled,
    leaseLost,
    ran: { sumMs: Math.round(ran.sumMs), counts: [...ran.counts] },
    waited: { sumMs: Math.round(waited.sumMs), counts: [...waited.counts] },
  };
}

function noOutcomes(): OutcomeCounts {
  return {
    succeeded: 0,
    retried: 0,
    dead: 0,
    expired: 0,
    cancelled: 0,
    lease_lost: 0,
    interrupted: 0,
    unknown: 0,
  };
}
