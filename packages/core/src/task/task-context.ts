import type { Logger } from 'pino';

/** The running task, as `currentTask()` returns it. */
export interface TaskContext {
  /** Id of the message: the same in every attempt. */
  readonly id: string;
  /** Task name. */
  readonly name: string;
  readonly queue: string;
  /** Number of this attempt, from 1. */
  readonly attempt: number;
  readonly maxRetries: number;
  /** When the message was sent. */
  readonly enqueuedAt: Date;
  /**
   * Number of this delivery; it grows with each delivery of the message. Store it with the data you write, and refuse a
   * lower one: that excludes a worker which was paused and does not know that it lost its lease. 0 for an inline call.
   */
  readonly fence: number;
  /** Aborts with a `TaskTimeoutError`, `TaskCancelledError`, `LeaseLostError` or `ShutdownError` as its reason. */
  readonly signal: AbortSignal;
  /** The sender's headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** Its lines carry the task's id, name, queue and attempt, and the sender's `traceId` header. */
  readonly logger: Logger;
  /**
   * Reports how far the run is, for `handle.progress()` and `handle.status()`. It returns at once. At most four reports a
   * second are stored, always with the last one; they are kept for an hour. Without a result store only callers that
   * listen at that time get them. Has no effect in an inline call, and after the run has ended.
   * @param value any value that JSON can hold, at most 4 KiB
   * @throws SerializationError (`PROGRESS_INVALID`) if JSON cannot hold the value
   * @throws PayloadTooLargeError (`PROGRESS_TOO_LARGE`) if it has over 4 KiB
   * @example
   * currentTask().progress({ done: 3, of: 10 });
   */
  progress(value: unknown): void;
}
