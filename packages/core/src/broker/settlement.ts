import type { Delivery } from './delivery.ts';
import type { Envelope } from './envelope.ts';

/** A result that a broker stores together with a settlement, and only if the settlement takes effect. */
export interface SettledResult {
  readonly bytes: Uint8Array;
  /** How long to keep it, in milliseconds. */
  readonly ttlMs: number;
}

/**
 * How a delivery ends. A settlement takes effect only while the lease of its delivery is live. `result` is set only if
 * `results.storesWithSettlement`.
 */
export type Settlement =
  /**
   * The message is done: remove it. `wasCancelled`: its task was cancelled while it ran, so free its idempotency key, and
   * count it as cancelled instead of acknowledged.
   */
  | {
      readonly kind: 'ack';
      readonly delivery: Delivery;
      readonly result?: SettledResult | undefined;
      readonly wasCancelled?: true | undefined;
    }
  /**
   * Store the replacement, then remove this message: in one step if the server can, else in that order. The replacement
   * has the same id, goes behind the messages that are ready, keeps `crashes`, and waits for its `notBefore`. Not only
   * after a failure: also if a limit refuses the message, its task is unknown, or the rest of a long delay remains.
   *
   * `replacement.collapse` is set if a debounced message comes back, and `capabilities.collapse` is true. If a later message
   * has taken its key since, the message is removed instead, and counts as acknowledged. Otherwise it keeps the key, or takes
   * it if it is free. While it is delayed it can be replaced, or, if `hasRun`, is removed by a later message.
   */
  | { readonly kind: 'retry'; readonly delivery: Delivery; readonly replacement: Envelope }
  /**
   * Store the replacement among the dead letters of the queue, without `crashes`, then remove this message: in one step
   * or in that order, as for `retry`. `reason` is for the log and the result of the task; a header of the replacement
   * holds it too, so a broker need not store it.
   */
  | {
      readonly kind: 'dead-letter';
      readonly delivery: Delivery;
      readonly reason: string;
      readonly replacement: Envelope;
      readonly result?: SettledResult | undefined;
    }
  /**
   * Give the message back at once, unchanged: this counts neither as an attempt nor as a crash. It goes to the head of
   * the queue if the server can do that, else to the tail. A call that releases several messages has the last one first,
   * so that each goes in front of the one before it; a broker that can only append takes them in reverse.
   */
  | { readonly kind: 'release'; readonly delivery: Delivery }
  /** The message did not start in time: remove it, and count it as expired. */
  | { readonly kind: 'expire'; readonly delivery: Delivery; readonly result?: SettledResult | undefined };
