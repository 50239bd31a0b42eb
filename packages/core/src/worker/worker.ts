import type { Duration } from '../clock/duration.ts';

/** Options of `createWorker`. An invalid option or queue name is a ConfigError there, before anything is opened. */
export interface WorkerOptions {
  /** Queues to serve: names with equal weight, or weights by name. @default the default queue (`TASK_QUEUE_NAME`) */
  readonly queues?: readonly string[] | Readonly<Record<string, number>> | undefined;
  /** How many tasks run at the same time. @default `TASK_MAX_WORKERS`, else 4 */
  readonly concurrency?: number | undefined;
  /** Empty the first queue before the next, in place of weights. @default false */
  readonly strict?: boolean | undefined;
  /** Names the worker in dead letters and at the broker: 1 to 200 characters. @default host, pid and a random part */
  readonly workerId?: string | undefined;
}

/** One run of a task, in events. */
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
 * Events of a worker, with the arguments of their listeners. The end of a run is reported once the broker has accepted it.
 * There is no event for messages that `stop` handed back.
 */
export interface WorkerEvents {
  /** The worker has subscribed to its queues. */
  started: [];
  /** The worker holds no message any more. */
  stopped: [];
  succeeded: [event: TaskEvent];
  /** An attempt failed, or asked to run later, and the message is stored for another one. */
  retrying: [event: TaskEvent];
  /** The message is a dead letter. */
  dead: [event: TaskEvent];
  /** The message did not start in time (`expiresIn`). */
  expired: [event: TaskEvent];
  /** A run was cancelled by `handle.cancel({ running: true })`. */
  cancelled: [event: TaskEvent];
  /** The lease ended: another worker may run the message now, and the result of this run was dropped. */
  leaseLost: [event: TaskEvent];
  /** The worker takes no more messages of a queue, because the queue is paused. */
  paused: [event: { readonly queue: string }];
  /** The worker takes messages of the queue again. */
  resumed: [event: { readonly queue: string }];
}

/** Options of `stop`. An unknown option or an invalid duration is a ConfigError. */
export interface StopOptions {
  /** Time for running tasks to end; 5 s before it ends the handlers' signals abort. @default `TASK_SHUTDOWN_TIMEOUT`, else 25 s */
  readonly timeout?: Duration | undefined;
}

/** Result of `stop`, the same at each call. */
export interface StopReport {
  /** How many runs did not end in time: their messages went back to their queues. */
  readonly interrupted: number;
}

/** Takes messages from queues and runs their tasks, at most `concurrency` at the same time. */
export interface Worker {
  readonly id: string;
  /**
   * Runs the start hooks, subscribes and begins to fetch. It can be called once.
   * @throws BrokerUnavailableError, ConfigError, and the error of a start hook
   */
  start(): Promise<void>;
  /**
   * Stops fetching, waits for running tasks, and hands the other messages back. Resolves once the worker holds no message.
   * If the broker does not answer within 2 s, its messages are redelivered when their leases end. A second call may
   * shorten the time.
   * @throws ConfigError for invalid options
   */
  stop(options?: StopOptions): Promise<StopReport>;
  /** Adds a listener. Listeners are called synchronously; an error of theirs is logged, and changes nothing. */
  on<E extends keyof WorkerEvents>(event: E, listener: (...args: WorkerEvents[E]) => void): this;
  off<E extends keyof WorkerEvents>(event: E, listener: (...args: WorkerEvents[E]) => void): this;
  once<E extends keyof WorkerEvents>(event: E, listener: (...args: WorkerEvents[E]) => void): this;
}
