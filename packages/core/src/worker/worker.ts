import type { Duration } from '../clock/duration.ts';

/** What `createWorker` takes. A wrong option or queue name is a ConfigError there, before anything is opened. */
export interface WorkerOptions {
  /** Queues to serve: names with equal weight, or weights by name. @default the default queue (`TASK_QUEUE_NAME`) */
  readonly queues?: readonly string[] | Readonly<Record<string, number>> | undefined;
  /** Tasks at once. @default `TASK_MAX_WORKERS`, else 4 */
  readonly concurrency?: number | undefined;
  /** Empty the first queue before the next, in place of weights. @default false */
  readonly strict?: boolean | undefined;
  /** Names the worker in dead letters and at the broker: 1 to 200 characters. @default host, pid and a random part */
  readonly workerId?: string | undefined;
}

/** One run of a task, as events tell it. */
export interface TaskEvent {
  readonly id: string;
  /** Task name; empty where the message could not be decoded. */
  readonly name: string;
  readonly queue: string;
  readonly attempt: number;
  readonly durationMs: number;
  readonly error?: unknown;
}

/**
 * What a worker tells, and what listeners are called with. The end of a run is told once the broker has taken it, so it
 * is a fact by then; of what `stop` handed back nothing is told.
 */
export interface WorkerEvents {
  /** It has subscribed to its queues. */
  started: [];
  /** It holds nothing any more. */
  stopped: [];
  succeeded: [event: TaskEvent];
  /** An attempt failed, or asked to be run later, and the message is stored for another. */
  retrying: [event: TaskEvent];
  /** The message stands among the dead letters. */
  dead: [event: TaskEvent];
  /** Its time was over before it started. */
  expired: [event: TaskEvent];
  /** Somebody else may run it now; what this run gave was dropped. */
  leaseLost: [event: TaskEvent];
}

/** What `stop` takes. An unknown option or a wrong duration is a ConfigError. */
export interface StopOptions {
  /** Time for what runs to end; 5 s before it is up the handlers' signals abort. @default `TASK_SHUTDOWN_TIMEOUT`, else 25 s */
  readonly timeout?: Duration | undefined;
}

/** What `stop` resolves with: the same at each call, of the worker's one end. */
export interface StopReport {
  /** Runs that did not end in time, and whose messages went back to their queues. */
  readonly interrupted: number;
}

/** Why a health check fails. */
export interface HealthReason {
  /** Stable, like an error code: `NOT_STARTED`, `STOPPING`, `ENDED`, `BROKER_SILENT`, `QUEUE_UNREADABLE`. */
  readonly code: string;
  /** For people; without secrets. */
  readonly message: string;
}

/** The health of a worker: why each check fails. A check without a reason succeeds. */
export interface WorkerHealth {
  /** The process must be restarted. A broker that is unreachable is no reason. */
  readonly live: readonly HealthReason[];
  /** It runs no tasks now. */
  readonly ready: readonly HealthReason[];
  /** Its start hooks or subscriptions are not done. */
  readonly started: readonly HealthReason[];
}

/** Takes messages from queues and runs their tasks, as many at once as its concurrency. */
export interface Worker {
  readonly id: string;
  /**
   * Runs the start hooks, subscribes and begins to fetch. Once only.
   * @throws what a start hook throws; BrokerUnavailableError; ConfigError
   */
  start(): Promise<void>;
  /**
   * Stops fetching, finishes what runs, hands back the rest. Resolves once it holds nothing; for a broker that does not
   * answer it waits 2 s, and what it holds comes back by its lease. Called again it may shorten the time.
   * @throws ConfigError for wrong options
   */
  stop(options?: StopOptions): Promise<StopReport>;
  /** Listeners are called at once; what they throw is logged and changes nothing. */
  on<E extends keyof WorkerEvents>(event: E, listener: (...args: WorkerEvents[E]) => void): this;
  off<E extends keyof WorkerEvents>(event: E, listener: (...args: WorkerEvents[E]) => void): this;
  once<E extends keyof WorkerEvents>(event: E, listener: (...args: WorkerEvents[E]) => void): this;
  /**
   * Metrics of this worker as text for Prometheus; `tm.metrics()` has those of the process. See docs/monitoring.md.
   * @param format `text` is the format 0.0.4, which every version reads @default 'text'
   */
  metrics(format?: 'text' | 'openmetrics'): string;
  /**
   * Checks the worker, for probes of an orchestrator. If the broker has not answered lately it is asked, for at most a
   * second.
   */
  health(): Promise<WorkerHealth>;
}
