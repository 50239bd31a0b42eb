import type { Collapse } from './collapse.ts';

/** A message as brokers store and deliver it. They carry every field unchanged, and never read the body. */
export interface Envelope {
  /** Chosen by the sender. It stays the same over retries, hops and redrives. */
  readonly id: string;
  readonly queue: string;
  /** Delivered byte for byte. */
  readonly body: Uint8Array;
  /** Names and values are data: they are never evaluated, and never keys of an object with a prototype. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Epoch milliseconds by the clock of the process that stores the message, sender or worker: not ready before. The
   * adapter converts it to a duration when it stores the message, and the server's clock counts that down.
   */
  readonly notBefore?: number | undefined;
  /** Epoch milliseconds by the sender's clock. Brokers carry it; the core checks it. */
  readonly expiresAt?: number | undefined;
  /** Two envelopes with one key are stored once, if `capabilities.idempotency` is true. */
  readonly idempotencyKey?: string | undefined;
  /** How long the key is remembered, in milliseconds. @default the broker's `idempotencyTtlMs` */
  readonly idempotencyTtlMs?: number | undefined;
  /**
   * Joins the envelope with an unfinished one of the same key, if `capabilities.collapse` is true. It matters to `publish`,
   * and to a settlement `retry` of a debounced message. Deliveries do not carry it.
   */
  readonly collapse?: Collapse | undefined;
}
