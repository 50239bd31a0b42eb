import type { Envelope } from './envelope.ts';

/** One delivery of an envelope. It is its own receipt: `settle` and `extend` take it. */
export interface Delivery {
  readonly envelope: Envelope;
  /** Number of the delivery of this message, strictly increasing. At most one of them is live. */
  readonly fence: number;
  /** Number of earlier deliveries that ended without a settlement, because a worker died or lost its lease. */
  readonly crashes: number;
  /**
   * Set if the envelope is delivered before its time, because its delay was longer than `maxDelayMs`: the milliseconds
   * still to wait. The core sends it again.
   */
  readonly remainingDelayMs?: number | undefined;
  /**
   * When the message became due, epoch milliseconds by the sender's clock: set if the broker keeps `notBefore` apart from
   * the envelope. @default `envelope.notBefore`
   */
  readonly dueAt?: number | undefined;
  /** Set if the message may have run before although `crashes` is 0: for example, its connection broke while it ran. */
  readonly mayHaveRun?: boolean | undefined;
}
