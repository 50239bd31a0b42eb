import type { Duration } from '../clock/duration.ts';

/** How far a message is. `unknown`: no server and no store knows, because it ended without a result, or never was. */
export type TaskState = 'delayed' | 'ready' | 'running' | 'succeeded' | 'dead' | 'cancelled' | 'expired' | 'unknown';

/** What is known of a message now. */
export interface TaskStatus {
  readonly state: TaskState;
  /** The attempt that runs or is next, from 1. Absent if the message has ended, or the broker cannot find messages. */
  readonly attempt?: number | undefined;
  /** What the handler reported last with `currentTask().progress()`. Absent if it reported nothing in the last hour. */
  readonly progress?: unknown;
}

/** A message that was sent. */
export interface TaskHandle<R = unknown> {
  /** Id of the message. If `isNew` is false, the id of the earlier message with the same key. */
  readonly id: string;
  /** The queue that the message was sent to. */
  readonly queue: string;
  /**
   * False if a message with the same key is there: this is the handle of that message. False also
   * for a handle that `task.handle(id)` made.
   */
  readonly isNew: boolean;
  /**
   * What the send did: `new`: it stored a message. `duplicate`: nothing, because a message with its key is there; also for
   * a handle that `task.handle(id)` made. `replaced`: its arguments took the place of those of a debounced message.
   */
  readonly outcome: 'new' | 'duplicate' | 'replaced';
  /**
   * Waits for the result: the handler's return value, as JSON carries it.
   * @param options `timeout`: how long to wait @default 30 s
   * @throws UnsupportedFeatureError (`RESULT_NOT_KEPT`, `RESULT_STORE_MISSING`) if the task keeps no result, or no store does
   * @throws TaskFailedError (`TASK_FAILED`) if the message became a dead letter, or expired
   * @throws TaskCancelledError (`TASK_CANCELLED`) if it was cancelled
   * @throws ResultTimeoutError (`RESULT_TIMEOUT`) after `timeout`
   * @throws SerializationError (`RESULT_UNSERIALIZABLE`) if JSON cannot hold the return value
   * @example
   * const sum = await handle.result({ timeout: '5s' });
   */
  result(options?: { readonly timeout?: Duration | undefined }): Promise<R>;
  /**
   * Returns what is known of the message, in any process. A broker that finds messages by their ids knows the states
   * before the end; the kept result knows the end. A state that neither knows is `unknown`.
   * @throws UnsupportedFeatureError (`STATUS_UNSUPPORTED`) if the broker cannot find messages, and the task keeps no result
   * @throws BrokerUnavailableError if the broker is unreachable
   * @example
   * const { state, attempt, progress } = await charge.handle(id).status();
   */
  status(): Promise<TaskStatus>;
  /**
   * Removes the message if it has not started. Resolves with true if it will not run any more, and with false if it
   * runs, has ended, or is a dead letter.
   * @param options `running`: also abort the task if it runs, in any process, within a second. Its signal aborts with a
   * `TaskCancelledError`; the attempt is not counted and not retried. False after two seconds without an answer of the
   * worker. @default `{ running: false }`
   * @throws UnsupportedFeatureError (`CANCEL_UNSUPPORTED`) if the broker cannot
   * @throws BrokerUnavailableError if the broker is unreachable
   */
  cancel(options?: { readonly running?: boolean | undefined }): Promise<boolean>;
  /**
   * Iterates over the progress that the handler reports: the latest value first, then new ones as they come. It ends once
   * the message has ended; attempts that are retried go on. A slow consumer misses values, never the last one.
   * @throws UnsupportedFeatureError (`PROGRESS_UNSUPPORTED`) if the broker has no signals, and there is no result store
   * @throws BrokerUnavailableError if the broker is unreachable
   * @example
   * for await (const progress of handle.progress()) console.log(progress);
   */
  progress(): AsyncIterable<unknown>;
}
