import { createHash } from 'node:crypto';
import type { Envelope, PublishReceipt } from '@brokkr/core/adapter';
import type { Connection } from '../connection/connection.ts';
import type { Keys } from '../keys.ts';
import { keySlot } from '../scripts/key-slot.ts';

/** Messages as they are published, each for the queue that its key belongs to. */
export interface Routed {
  readonly envelopes: readonly Envelope[];
  /** Slots that somebody had taken before, by the message. */
  readonly known: ReadonlyMap<Envelope, string>;
}

/**
 * An idempotency key holds for its task, whichever queue a message goes to, and queues may stand on different nodes
 * of a cluster. So a key belongs to one queue, that of its first message, and all its messages are published there,
 * where one step decides whether there was one before. The slot says which queue, and nothing else: whoever dies
 * after taking it has promised nothing, and the next sender stores its own.
 */
export class IdempotencySlots {
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #ttl: string;

  constructor(connection: Connection, keys: Keys, ttl: string) {
    this.#connection = connection;
    this.#keys = keys;
    this.#ttl = ttl;
  }

  async route(envelopes: readonly Envelope[]): Promise<Routed> {
    const known = new Map<Envelope, string>();
    const routed = await Promise.all(
      envelopes.map(async (envelope) => {
        if (envelope.idempotencyKey === undefined) return envelope;
        const slot = this.#keys.slot(createHash('sha1').update(envelope.idempotencyKey).digest('hex'));
        const answer = await this.#connection.run(keySlot, slot, [envelope.queue, this.#ttl]);
        const [queue, isNew] = answer as readonly [Buffer, number];
        const bound = { ...envelope, queue: String(queue) };
        if (isNew === 0) known.set(bound, slot);
        return bound;
      }),
    );
    return { envelopes: routed, known };
  }

  /** A slot whose first sender stored nothing lives as long as the key does now. */
  async renew({ envelopes, known }: Routed, receipts: readonly PublishReceipt[]): Promise<void> {
    const stored = envelopes.filter((envelope, index) => known.has(envelope) && receipts[index]?.isNew);
    await Promise.all(
      stored.map((envelope) =>
        this.#connection.call((client) => client.pexpire(known.get(envelope) as string, this.#ttl)),
      ),
    );
  }
}
