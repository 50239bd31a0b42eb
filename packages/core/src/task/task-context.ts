import type { Logger } from 'pino';

/** What a handler can ask about the run it is in, by `currentTask()`. */
export interface TaskContext {
  /** Id of the message: the same in every attempt. */
  readonly id: string;
  /** Task name. */
  readonly name: string;
  readonly queue: string;
  /** From 1. */
  readonly attempt: number;
  readonly maxRetries: number;
  /** When the message was sent. */
  readonly enqueuedAt: Date;
  /**
   * Number of this hand-over, growing with each: store it with what you write, and refuse a smaller one, to keep
   * out a worker that was paused and does not know that it lost its lease. 0 for an inline call.
   */
  readonly fence: number;
  /** Aborts with a `TaskTimeoutError`, `LeaseLostError` or `ShutdownError` as its reason. */
  readonly signal: AbortSignal;
  /** The sender's headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** Its lines carry the task's id, name, queue and attempt, and the sender's `traceId` header. */
  readonly logger: Logger;
}
