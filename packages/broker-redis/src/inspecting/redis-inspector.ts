import {
  checkQueueName,
  deadLetterQueue,
  type Envelope,
  type Inspector,
  type PeekState,
  type QueueCounts,
  redriveEnvelope,
} from '@brokkr/core/adapter';
import { batches, LARGEST_BATCH } from '../batches.ts';
import { decodeEnvelope, encodeEnvelope } from '../envelope-codec.ts';
import type { QueueCalls } from '../queue-calls.ts';
import { discard, redrive } from '../scripts/dead-letters.ts';
import { count } from '../scripts/inspect.ts';
import { purge } from '../scripts/purge.ts';
import { type LookedAt, messagePage } from './message-pages.ts';
import { queueNames } from './queue-names.ts';
import { removeMessages } from './redis-message-index.ts';

/** Shows and changes queues for people and tools. Every call handles at most 500 messages at a time. */
export class RedisInspector implements Inspector {
  readonly #calls: QueueCalls;

  constructor(calls: QueueCalls) {
    this.#calls = calls;
  }

  /** Names on the list of queues. Entries that are not queue names are left out; `diagnose` reports them. */
  async queues(): Promise<readonly string[]> {
    return (await queueNames(this.#calls)).valid;
  }

  /** @throws BrokerUnavailableError (`KEY_SPOILED`) if another client overwrote a key of the queue */
  async counts(queue: string): Promise<QueueCounts> {
    const figures = (await this.#calls.run(count, queue)) as readonly (number | null)[];
    const [ready, delayed, running, dead, published, acknowledged, discarded, purged, cancelled, expired] = figures.map(
      (figure) => figure ?? undefined,
    );
    return { ready, delayed, running, dead, published, acknowledged, discarded, purged, cancelled, expired };
  }

  async peek(queue: string, state: PeekState, limit: number): Promise<readonly Envelope[]> {
    const found = new Map<string, Envelope>();
    for (let from = 0; found.size < limit; ) {
      const page = await messagePage(this.#calls, queue, state, { from, limit: limit - found.size });
      if (page.size === 0) break;
      // Messages that moved between two calls may be on both pages.
      for (const { envelope } of page.messages) found.set(envelope.id, envelope);
      from += page.size;
    }
    return [...found.values()];
  }

  async take(queue: string, limit: number, move: (envelopes: readonly Envelope[]) => Promise<void>): Promise<number> {
    let removed = 0;
    let left = limit;
    for (const state of ['ready', 'delayed'] as const) {
      for (let from = 0; left > 0; ) {
        const page = await messagePage(this.#calls, queue, state, { from, limit: left });
        if (page.size === 0) break;
        const taken = page.messages.map(asOfNow);
        if (taken.length > 0) await move(taken);
        // A worker may have started some of them while they were stored elsewhere: those run here too, and none is lost.
        const ids = taken.map(({ id }) => id);
        const gone = (await removeMessages(this.#calls, queue, 'purged', ids)).length;
        removed += gone;
        left -= taken.length;
        from += page.size - gone;
      }
    }
    return removed;
  }

  async redrive(queue: string, ids: readonly string[] | 'all'): Promise<number> {
    let redriven = 0;
    if (ids !== 'all') {
      for (const part of batches(ids)) redriven += await this.#redrive(queue, part);
      return redriven;
    }
    // An id without a letter stays at its place. It is stepped over.
    let stepped = 0;
    for await (const part of this.#deadIds(queue, () => stepped)) {
      const count = await this.#redrive(queue, part);
      redriven += count;
      stepped += part.length - count;
    }
    return redriven;
  }

  async discard(queue: string, ids: readonly string[] | 'all'): Promise<number> {
    let discarded = 0;
    const parts = ids === 'all' ? this.#deadIds(queue, () => 0) : batches(ids);
    for await (const part of parts) discarded += (await this.#calls.run(discard, queue, part)) as number;
    return discarded;
  }

  async purge(queue: string): Promise<number> {
    // Only as many as are ready now: producers may send more all the time.
    let left = (await this.counts(queue)).ready ?? 0;
    let purged = 0;
    while (left > 0) {
      const limit = String(Math.min(left, LARGEST_BATCH));
      const [looked, gone] = (await this.#calls.run(purge, queue, [limit])) as readonly [number, number];
      if (looked === 0) break;
      purged += gone;
      left -= looked;
    }
    return purged;
  }

  async #redrive(queue: string, ids: readonly string[]): Promise<number> {
    checkQueueName(queue);
    const key = this.#calls.keys.letters(queue);
    const letters = await this.#calls.callAt(key, 'hash', (client) => client.hmgetBuffer(key, ...ids));
    const args = ids.flatMap((id, index) => {
      const bytes = letters[index] ?? null;
      if (bytes === null) return [];
      const letter = decodeEnvelope(id, deadLetterQueue(queue), bytes);
      return [id, encodeEnvelope(redriveEnvelope(letter, queue, Date.now()))];
    });
    return args.length === 0 ? 0 : ((await this.#calls.run(redrive, queue, args)) as number);
  }

  /** Ids of the letters that are dead now, oldest first, in pages. The caller removes each page; `stepped` is how many it left. */
  async *#deadIds(queue: string, stepped: () => number): AsyncGenerator<readonly string[]> {
    let left = (await this.counts(queue)).dead ?? 0;
    while (left > 0) {
      const from = stepped();
      const last = String(from + Math.min(left, LARGEST_BATCH) - 1);
      const page = await this.#calls.call((client) => client.zrange(this.#calls.keys.dead(queue), from, last));
      if (page.length === 0) return;
      yield page;
      left -= page.length;
    }
  }
}

/** A message with the time it still has to wait, by this host's clock. */
function asOfNow({ envelope, waitMs }: LookedAt): Envelope {
  const { notBefore: _, ...rest } = envelope;
  return waitMs > 0 ? { ...rest, notBefore: Date.now() + waitMs } : rest;
}
