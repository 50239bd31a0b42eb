import type { Duration } from '../clock/duration.ts';
import type { Message } from '../message/message.ts';

/** A failed attempt, as a retry policy gets it. */
export interface RetryFailure {
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** The value that the handler threw. */
  readonly error: unknown;
  readonly message: Message;
}

/**
 * Decides how long to wait before a retry. The worker calls `next` after each failed attempt, at most `maxRetries`
 * times.
 * @example
 * const retry: RetryPolicy = { next: ({ attempt }) => (attempt < 5 ? `${attempt}m` : null) };
 */
export interface RetryPolicy {
  next(failure: RetryFailure): Duration | null;
}
