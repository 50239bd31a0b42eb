/** Durations of one kind: how many fell under each bound of `DURATION_BOUNDS`, and their sum. */
export interface Histogram {
  readonly sumMs: number;
  /** One number for each bound, and one more for longer durations. Not cumulative. */
  readonly counts: readonly number[];
}

/** A handler that runs now. */
export interface RunningTask {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  readonly attempt: number;
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

/** A message that crashed workers, and for which other messages of the worker wait. */
export interface SuspectReport {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  readonly crashes: number;
  /** Whether it runs, alone. If not, the worker finishes its other tasks, and then fetches one message at a time. */
  readonly runs: boolean;
  /** Epoch milliseconds. */
  readonly since: number;
}

/** Counts of one task on one queue since the worker started. They only grow: a lost report loses nothing. */
export interface TaskTotals {
  readonly queue: string;
  readonly task: string;
  readonly succeeded: number;
  readonly retried: number;
  readonly dead: number;
  readonly expired: number;
  readonly cancelled: number;
  readonly leaseLost: number;
  /** How long handlers ran. */
  readonly ran: Histogram;
  /** How long messages were due before they started. */
  readonly waited: Histogram;
}

/** What a worker reports of itself. */
export interface WorkerReport {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly state: 'running' | 'quiet' | 'stopping';
  /** Queues and their weights. */
  readonly queues: Readonly<Record<string, number>>;
  /** Queues that the worker does not serve now because they are paused. */
  readonly paused: readonly string[];
  readonly concurrency: number;
  /** Left out if no message waits because of a suspect. Reports of older versions never have it. */
  readonly suspect?: SuspectReport | undefined;
  /** At most 100; `runningCount` has them all. */
  readonly running: readonly RunningTask[];
  readonly runningCount: number;
  /** At most 200; further tasks are summed under the name `_other`. */
  readonly totals: readonly TaskTotals[];
  readonly rssBytes: number;
  /** 99th percentile of the event loop's delay since the last report, milliseconds. */
  readonly loopDelayMs: number;
}
