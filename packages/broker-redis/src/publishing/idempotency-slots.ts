import { setTimeout as sleep } from 'node:timers/promises';
import { BrokerUnavailableError, type Envelope, type PublishReceipt } from '@brokkr/core/adapter';
import { keyDigest } from '../key-digest.ts';
import type { QueueCalls } from '../queue-calls.ts';
import { keySlot } from '../scripts/key-slot.ts';
import { leaveKey } from '../scripts/leave-key.ts';

/** A slot is not moved before: its sender may be about to publish. */
const LEAST_AGE_MS = 50;
/** Senders to different queues may move the slot in turns. So many moves by other senders, and this one fails. */
const MOST_MOVES = 20;

/** The slot of a message's key, which names the queue of the message. */
interface Slot {
  readonly key: string;
  /** Grows with each owner of the slot: digits, for the scripts. */
  readonly generation: string;
  readonly isNew: boolean;
}

/** Messages of a call that can be published, and receipts of the others: their keys belong to messages of other queues. */
export interface Routed {
  readonly slots: ReadonlyMap<Envelope, Slot>;
  readonly receipts: ReadonlyMap<Envelope, PublishReceipt>;
}

/**
 * Finds the queue of an idempotency key. A key counts for its task in every queue, and the queues may be on different
 * nodes of a cluster. A slot names the queue in which the key is kept, and the script that publishes there decides whether
 * the key is known.
 *
 * If a message for another queue has the key, the key moves there, unless a message holds it: it is left in its queue
 * first, then the slot is changed. A sender that read the slot before that is refused by the queue, because the generation
 * it read has ended, and reads the slot again. A sender that dies between these steps has stored nothing and blocks no sender.
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
    const slots = new Map<Envelope, Slot>();
    const receipts = new Map<Envelope, PublishReceipt>();
    await Promise.all(
      envelopes.map(async (envelope) => {
        if (envelope.idempotencyKey === undefined) return;
        const found = await this.#slotOf(envelope, keyDigest(envelope.idempotencyKey));
        if ('key' in found) slots.set(envelope, found);
        else receipts.set(envelope, found);
      }),
    );
    return { slots, receipts };
  }

  /** Lets the slots of keys that are new live as long as those keys: their first senders had stored nothing, or the keys were freed. */
  async renew({ slots }: Routed, stored: readonly Envelope[]): Promise<void> {
    await Promise.all(
      stored.map(async (envelope) => {
        const slot = slots.get(envelope);
        if (slot === undefined || slot.isNew) return;
        await this.#calls.call((client) => client.pexpire(slot.key, this.lifeOf(envelope)));
      }),
    );
  }

  /** The slot once it names the queue of the message; or a receipt if another queue has a message with the key. */
  async #slotOf(envelope: Envelope, digest: string): Promise<Slot | PublishReceipt> {
    const key = this.#calls.keys.slot(digest);
    const life = this.lifeOf(envelope);
    let left = '';
    for (let moves = 0; ; moves++) {
      const answer = await this.#calls.runAt(keySlot, key, [envelope.queue, life, left]);
      const [queue, generation, isNew, ageMs] = answer as readonly [Buffer, Buffer, number, number];
      if (String(queue) === envelope.queue) return { key, generation: String(generation), isNew: isNew === 1 };
      if (moves === MOST_MOVES) throw contended(envelope.queue);
      if (ageMs < LEAST_AGE_MS) await sleep((LEAST_AGE_MS - ageMs) * (1 + Math.random()));
      left = String(generation);
      const holder = String(await this.#calls.run(leaveKey, String(queue), [digest, left, life]));
      if (holder === envelope.id) return { id: holder, isNew: true };
      if (holder !== '') return { id: holder, isNew: false, queue: String(queue) };
    }
  }
}

/** The error for a key that other senders move between queues all the time. */
export function contended(queue: string): BrokerUnavailableError {
  return new BrokerUnavailableError(
    `queue ${queue}: a message was not stored, because other senders use its idempotency key for other queues at the same time; send it again`,
  );
}
