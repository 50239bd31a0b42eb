/**
 * What travels. Brokers carry every field unchanged and never look into the body.
 */
export interface Envelope {
  /** Chosen by the sender; stays the same over retries, hops and redrives. */
  readonly id: string;
  readonly queue: string;
  /** Handed over byte for byte. */
  readonly body: Uint8Array;
  /** Names and values are data: never evaluated, never keys of an object with a prototype. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Epoch milliseconds by the sender's clock; not ready before. The adapter turns it into a duration when it
   * publishes, and the server's clock counts that down.
   */
  readonly notBefore?: number | undefined;
  /** Epoch milliseconds by the sender's clock. Carried by brokers, judged by the core. */
  readonly expiresAt?: number | undefined;
  /** Two envelopes with one key are stored once, where `capabilities.idempotency`. */
  readonly idempotencyKey?: string | undefined;
  /** How long the key is remembered, in milliseconds. @default the broker's `idempotencyTtlMs` */
  readonly idempotencyTtlMs?: number | undefined;
}
