import type { Envelope } from './envelope.ts';

/** One hand-over of an envelope. It is its own receipt: settling and extending take it back. */
export interface Delivery {
  readonly envelope: Envelope;
  /** Number of the hand-over of this message, strictly increasing: at most one of them is live. */
  readonly fence: number;
  /** Hand-overs before this one that ended without a settlement: a worker died or lost its lease. */
  readonly crashes: number;
  /**
   * Set where the envelope is handed over before its time (its delay was longer than `maxDelayMs`): milliseconds
   * still to wait. The core sends it on.
   */
  readonly remainingDelayMs?: number | undefined;
  /**
   * When the message became due, epoch milliseconds by the sender's clock: set if the broker keeps `notBefore` apart from
   * the envelope. @default `envelope.notBefore`
   */
  readonly dueAt?: number | undefined;
}
