import type { Duration } from '../clock/duration.ts';

// The public types of workers. `TaskWorker` implements `Worker`; its loop is in `Consumer`.

/** Options of `createWorker`. It checks them before anything is opened. */
export interface WorkerOptions {
  /** Queues to serve: names with equal weight, or weights by name. @default the default queue (`TASK_QUEUE_NAME`) */
  readonly queues?: readonly string[] | Readonly<Record<string, number>> | undefined;
  /** How many tasks run at the same time: a whole number, 1 or more. @default `TASK_MAX_WORKERS`, else 4 */
  readonly concurrency?: number | undefined;
  /** Take from the first queue until it is empty, then from the next: weights are ignored. @default false */
  readonly strict?: boolean | undefined;
  /** Id of the worker in dead letters and at the broker: 1 to 200 characters. @default host, pid and a random part */
  readonly workerId?: string | undefined;
}

/** A run of a task, as events report it. */
export interface TaskEvent {
  readonly id: string;
  /** Task name; empty if the message could not be decoded. */
  readonly name: string;
  readonly queue: string;
  readonly attempt: number;
  readonly durationMs: number;
  readonly error?: unknown;
}

/**
 * Events of a worker, and the arguments of their listeners. The end of a run is reported once the broker has accepted its
 * settlement. Runs that `stop` handed back have no event.
 */
export interface WorkerEvents {
  /** The worker has subscribed to its queues. */
  started: [];
  /** The worker has stopped, and holds no message. */
  stopped: [];
  succeeded: [event: TaskEvent];
  /** An attempt failed or threw `RetryLater`, and the message is stored for the next one. */
  retrying: [event: TaskEvent];
  /** The message became a dead letter. */
  dead: [event: TaskEvent];
  /** The message had not started in time (`expiresIn`), and was removed. */
  expired: [event: TaskEvent];
  /** A run was cancelled by `handle.cancel({ running: true })`. */
  cancelled: [event: TaskEvent];
  /** The lease was lost: another worker may run the message now, and the outcome of this run was dropped. */
  leaseLost: [event: TaskEvent];
  /** The worker takes no more messages of a queue, because the queue is paused. */
  paused: [event: { readonly queue: string }];
  /** The worker takes messages of the queue again. */
  resumed: [event: { readonly queue: string }];
}

/** Options of `stop`. */
export interface StopOptions {
  /** Time for running tasks to end. Their signals abort 5 s before it is over. @default `TASK_SHUTDOWN_TIMEOUT`, else 25 s */
  readonly timeout?: Duration | undefined;
}

/** Result of `stop`; the same for every call. */
export interface StopReport {
  /** Number of runs that did not end in time. Their messages went back to their queues. */
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
  /** The process must be restarted. An unreachable broker does not count. */
  readonly live: readonly HealthReason[];
  /** It runs no tasks now. */
  readonly ready: readonly HealthReason[];
  /** Its start hooks or subscriptions are not done. */
  readonly started: readonly HealthReason[];
}

/**
 * Takes messages from queues and runs their tasks, at most `concurrency` at the same time.
 * @example
 * const worker = tm.createWorker({ queues: { emails: 3, default: 1 }, concurrency: 10 });
 * worker.on('dead', ({ name, id, error }) => alert(name, id, error));
 * await worker.start();
 */
export interface Worker {
  readonly id: string;
  /**
   * Runs the start hooks, subscribes to the queues and begins to fetch. A worker can be started once.
   * @throws the error of a start hook
   * @throws BrokerUnavailableError if the broker is unreachable
   * @throws ConfigError if a task's options do not fit the broker, or the worker was started before
   */
  start(): Promise<void>;
  /**
   * Stops fetching, waits for the running tasks, and hands back those that do not end in time. A broker that does not
   * answer is awaited for 2 s; messages that are still held are delivered again when their leases end. A second call may
   * shorten the time.
   * @throws ConfigError for an unknown option or an invalid duration
   */
  stop(options?: StopOptions): Promise<StopReport>;
  /** Adds a listener. It is called synchronously; its errors are logged and have no other effect. */
  on<E extends keyof WorkerEvents>(event: E, listener: (...args: WorkerEvents[E]) => void): this;
  off<E extends keyof WorkerEvents>(event: E, listener: (...args: WorkerEvents[E]) => void): this;
  once<E extends keyof WorkerEvents>(event: E, listener: (...args: WorkerEvents[E]) => void): this;
  /**
   * Metrics of this worker as text for Prometheus; `tm.metrics()` has those of the process. See docs/monitoring.md.
   * @param format `text` is the format 0.0.4, which every version reads @default 'text'
   */
  metrics(format?: 'text' | 'openmetrics'): string;
  /**
   * Checks the worker, for probes of an orchestrator. If the broker has not answered lately it is asked, for at most
   * half a second.
   */
  health(): Promise<WorkerHealth>;
}
