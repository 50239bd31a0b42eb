/** A task that a worker runs now, by its report. */
export interface RunningRow {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  readonly attempt: number;
  readonly startedAt: number;
}

/** A living worker, by its last report. */
export interface WorkerRow {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly startedAt: number;
  readonly state: 'running' | 'quiet' | 'stopping';
  /** Names, with weights. */
  readonly queues: readonly { readonly name: string; readonly weight: number }[];
  /** Queues that it does not serve now because they are paused. */
  readonly paused: readonly string[];
  readonly slots: number;
  /** A message that crashed workers: it runs alone, or is about to, and other messages wait. */
  readonly suspect?: { readonly id: string; readonly task: string; readonly queue: string; readonly since: number };
  readonly runningCount: number;
  /** At most 100. */
  readonly running: readonly RunningRow[];
  readonly rssBytes: number;
  readonly loopDelayMs: number;
  readonly reportedAt: number;
  /** Set if it has sent no report for 12 s, or for 25 ms times the number of workers if that is longer. */
  readonly silent?: true;
}

/** Figures of one task on one queue, by the workers' reports, over the last minute unless it says otherwise. */
export interface TaskRow {
  readonly task: string;
  readonly queue: string;
  readonly done?: number;
  readonly failed?: number;
  readonly run50?: number;
  readonly run95?: number;
  readonly run99?: number;
  readonly wait50?: number;
  readonly wait95?: number;
  /** Since the living workers started. */
  readonly totals: {
    readonly succeeded: number;
    readonly retried: number;
    readonly dead: number;
    readonly expired: number;
    readonly cancelled: number;
    readonly leaseLost: number;
  };
  /** The last reason of a dead letter that this dashboard has seen. */
  readonly lastError?: { readonly error: string; readonly at?: number };
  readonly asOf?: number;
}
