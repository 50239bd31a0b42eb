import type { Duration } from '../clock/duration.ts';
import type { Message } from '../message/message.ts';

/**
 * The messages of one call of a batch task. A message whose outcome is not set has succeeded when the handler returns. All
 * outcomes take effect then: if the handler throws, every message fails with that error, except those for which `fail`
 * or `retryLater` was called. Of several outcomes of one message the last one counts.
 */
export interface Batch<R = unknown> {
  /** Number of messages, 1 or more. */
  readonly size: number;
  /** Aborts if the whole batch has to end: at the time limit, at a stop, or if every message was cancelled or lost. */
  readonly signal: AbortSignal;
  /** The message of an item: its id, attempt and headers. @throws ConfigError (`BATCH_INDEX_INVALID`) if there is no such item */
  message(at: number): Message;
  /**
   * The fence of an item's delivery, as `currentTask().fence` of any task.
   * @throws ConfigError (`BATCH_INDEX_INVALID`) if there is no such item
   */
  fence(at: number): number;
  /**
   * Returns false once the message was cancelled, or its lease was lost: an outcome for it has no effect.
   * @throws ConfigError (`BATCH_INDEX_INVALID`) if there is no such item
   */
  isOpen(at: number): boolean;
  /**
   * Fails one message: it is retried, or becomes a dead letter, as if a task of its own had thrown `error`.
   * @param at index of the item
   * @throws ConfigError (`BATCH_INDEX_INVALID`) if there is no such item
   */
  fail(at: number, error: unknown): void;
  /**
   * Runs one message again later. It counts no attempt, as with `RetryLater`.
   * @param delay time until it may start again
   * @param reason shown in the log
   * @throws ConfigError (`BATCH_INDEX_INVALID`) if there is no such item; (`DURATION_INVALID`)
   */
  retryLater(at: number, delay: Duration, reason?: string): void;
  /**
   * Sets the result of one message, for `handle.result()` if the task keeps results.
   * @throws ConfigError (`BATCH_INDEX_INVALID`) if there is no such item
   */
  result(at: number, value: R): void;
}
