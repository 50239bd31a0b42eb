import type { Delivery } from './delivery.ts';
import type { Envelope } from './envelope.ts';

/** How a delivery ends. Takes effect only while its lease is live. */
export type Settlement =
  /** Done: forget it. */
  | { readonly kind: 'ack'; readonly delivery: Delivery }
  /**
   * Store the replacement, then forget this one: in one step where the server can, else in that order. The
   * replacement has the same id, goes behind what is ready, keeps `crashes`, and waits for its `notBefore`.
   */
  | { readonly kind: 'retry'; readonly delivery: Delivery; readonly replacement: Envelope }
  /** The same, into the dead letters of the queue. `reason` is for people; the replacement carries it in a header. */
  | {
      readonly kind: 'dead-letter';
      readonly delivery: Delivery;
      readonly reason: string;
      readonly replacement: Envelope;
    }
  /** Give it back at once, unchanged: neither an attempt nor a crash. */
  | { readonly kind: 'release'; readonly delivery: Delivery }
  /** Its time is over: forget it, and count it as expired. */
  | { readonly kind: 'expire'; readonly delivery: Delivery };
