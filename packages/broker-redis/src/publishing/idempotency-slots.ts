import type { Envelope, PublishReceipt } from '@brokkr/core/adapter';
import { keyDigest } from '../key-digest.ts';
import type { QueueCalls } from '../queue-calls.ts';
import { keySlot } from '../scripts/key-slot.ts';

/** Messages as they are published, each in the queue that its idempotency key belongs to. */
export interface Routed {
  readonly envelopes: readonly Envelope[];
  /** Slots that were taken before, by message. */
  readonly known: ReadonlyMap<Envelope, string>;
}

/**
 * Finds the queue of an idempotency key. A key counts for its task in every queue, and the queues may be on different
 * nodes of a cluster. So a key belongs to the queue of its first message, and all messages with that key are published
 * there: one script decides whether the key is known. The slot only names the queue. A sender that dies after taking a slot
 * has stored nothing, and the next sender stores its own message.
 */
export class IdempotencySlots {
  readonly #calls: QueueCalls;
  readonly #ttlMs: number;

  /** @param ttlMs how long a key is remembered, in milliseconds, if its message does not set it */
  constructor(calls: QueueCalls, ttlMs: number) {
    this.#calls = calls;
    this.#ttlMs = ttlMs;
  }

  /** How long the key of a message is remembered, in milliseconds. */
  lifeOf({ idempotencyTtlMs }: Envelope): string {
    return String(Math.max(1, Math.ceil(idempotencyTtlMs ?? this.#ttlMs)));
  }

  async route(envelopes: readonly Envelope[]): Promise<Routed> {
    const known = new Map<Envelope, string>();
    const routed = await Promise.all(
      envelopes.map(async (envelope) => {
        if (envelope.idempotencyKey === undefined) return envelope;
        const slot = this.#calls.keys.slot(keyDigest(envelope.idempotencyKey));
        const answer = await this.#calls.runAt(keySlot, slot, [envelope.queue, this.lifeOf(envelope)]);
        const [queue, isNew] = answer as readonly [Buffer, number];
        const bound = { ...envelope, queue: String(queue) };
        if (isNew === 0) known.set(bound, slot);
        return bound;
      }),
    );
    return { envelopes: routed, known };
  }

  /**
   * Extends the slots of new keys to the lifetime of the keys: their first senders had stored nothing, or the keys were
   * freed.
   */
  async renew({ envelopes, known }: Routed, receipts: readonly PublishReceipt[]): Promise<void> {
    const stored = envelopes.filter((envelope, index) => known.has(envelope) && receipts[index]?.isNew);
    await Promise.all(
      stored.map((envelope) =>
        this.#calls.call((client) => client.pexpire(known.get(envelope) as string, this.lifeOf(envelope))),
      ),
    );
  }
}
