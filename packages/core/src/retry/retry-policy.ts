import type { Duration } from '../clock/duration.ts';
import type { Message } from '../message/message.ts';

/** An attempt that failed. */
export interface RetryFailure {
  /** The attempt that failed, from 1. */
  readonly attempt: number;
  /** What the handler threw, as it threw it. */
  readonly error: unknown;
  readonly message: Message;
}

/**
 * When to try again after a failed attempt: a wait before the next, or `null` to give up. A pure question: the
 * worker does the rest, and the task's `maxRetries` ends it in any case.
 */
export interface RetryPolicy {
  next(failure: RetryFailure): Duration | null;
}
