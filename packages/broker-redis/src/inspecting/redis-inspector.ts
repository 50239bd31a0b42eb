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
import type { Client } from '../connection/connect.ts';
import type { Connection } from '../connection/connection.ts';
import { decodeEnvelope, encodeEnvelope } from '../envelope-codec.ts';
import type { Keys } from '../keys.ts';
import { discard, redrive } from '../scripts/dead-letters.ts';
import { count, peek } from '../scripts/inspect.ts';
import { purge } from '../scripts/purge.ts';
import { remove } from '../scripts/remove.ts';
import type { Reply, Script } from '../scripts/script.ts';

/** What people and tools ask of the broker, beside the way of a message. */
export class RedisInspector implements Inspector {
  readonly #connection: Connection;
  readonly #keys: Keys;

  constructor(connection: Connection, keys: Keys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  queues(): Promise<readonly string[]> {
    return this.#call((client) => client.smembers(this.#keys.queues));
  }

  async counts(queue: string): Promise<QueueCounts> {
    const [ready, delayed, running, dead, published, acknowledged, discarded, purged, cancelled, expired] =
      (await this.#run(count, queue)) as readonly number[];
    return { ready, delayed, running, dead, published, acknowledged, discarded, purged, cancelled, expired };
  }

  async peek(queue: string, state: PeekState, limit: number): Promise<readonly Envelope[]> {
    return (await this.#peek(queue, state, limit)).map(({ envelope }) => envelope);
  }

  async take(queue: string, limit: number, move: (envelopes: readonly Envelope[]) => Promise<void>): Promise<number> {
    const ready = await this.#peek(queue, 'ready', limit);
    const delayed = await this.#peek(queue, 'delayed', limit - ready.length);
    const now = Date.now();
    const taken = [...ready, ...delayed].map(({ envelope, waitMs }): Envelope => {
      const { notBefore: _, ...rest } = envelope;
      return waitMs > 0 ? { ...rest, notBefore: now + waitMs } : rest;
    });
    await move(taken);
    // While they were stored elsewhere a worker may have started some: those are run here too, rather than lost.
    const removed = await this.remove(
      queue,
      'purged',
      taken.map(({ id }) => id),
    );
    return removed.length;
  }

  async redrive(queue: string, ids: readonly string[] | 'all'): Promise<number> {
    const redriven = batches(await this.#deadIds(queue, ids)).map(async (part) => {
      const letters = await this.#call((client) => client.hmgetBuffer(this.#keys.letters(queue), ...part));
      const args = part.flatMap((id, index) => {
        const bytes = letters[index] ?? null;
        if (bytes === null) return [];
        return [id, encodeEnvelope(redriveEnvelope(decodeEnvelope(id, deadLetterQueue(queue), bytes), queue))];
      });
      return args.length === 0 ? 0 : this.#run(redrive, queue, args);
    });
    return sum(await Promise.all(redriven));
  }

  async discard(queue: string, ids: readonly string[] | 'all'): Promise<number> {
    const named = batches(await this.#deadIds(queue, ids));
    return sum(await Promise.all(named.map((part) => this.#run(discard, queue, part))));
  }

  async purge(queue: string): Promise<number> {
    // Not what producers send meanwhile: that could go on for ever.
    let left = (await this.counts(queue)).ready ?? 0;
    let purged = 0;
    while (left > 0) {
      const gone = (await this.#run(purge, queue, [String(Math.min(left, LARGEST_BATCH))])) as number;
      if (gone === 0) break;
      purged += gone;
      left -= gone;
    }
    return purged;
  }

  /** Removes what is ready or delayed and counts it; the ids that were removed. */
  async remove(queue: string, counter: 'purged' | 'cancelled', ids: readonly string[]): Promise<string[]> {
    const removed = await Promise.all(batches(ids).map((part) => this.#run(remove, queue, [counter, ...part])));
    return removed.flatMap((part) => (part as readonly Buffer[]).map(String));
  }

  /** A message has its bytes until it ends; dead letters keep theirs elsewhere. */
  async unfinished(queue: string, ids: readonly string[]): Promise<string[]> {
    checkQueueName(queue);
    const key = this.#keys.messages(queue);
    const found = await Promise.all(ids.map((id) => this.#call((client) => client.hexists(key, id))));
    return ids.filter((_, index) => found[index] === 1);
  }

  async #peek(queue: string, state: PeekState, limit: number): Promise<{ envelope: Envelope; waitMs: number }[]> {
    if (limit <= 0) return [];
    const answer = (await this.#run(peek, queue, [state, String(limit)])) as readonly (number | Buffer)[];
    const holder = state === 'dead' ? deadLetterQueue(queue) : queue;
    const found: { envelope: Envelope; waitMs: number }[] = [];
    for (let at = 0; at < answer.length; at += 3) {
      const envelope = decodeEnvelope(String(answer[at]), holder, answer[at + 1] as Buffer);
      found.push({ envelope, waitMs: answer[at + 2] as number });
    }
    return found;
  }

  async #deadIds(queue: string, ids: readonly string[] | 'all'): Promise<readonly string[]> {
    checkQueueName(queue);
    return ids === 'all' ? this.#call((client) => client.zrange(this.#keys.dead(queue), 0, '-1')) : ids;
  }

  #call<T>(send: (client: Client) => Promise<T>): Promise<T> {
    return this.#connection.call(send);
  }

  #run(script: Script, queue: string, args: readonly (string | Buffer)[] = []): Promise<Reply> {
    checkQueueName(queue);
    return this.#connection.run(script, this.#keys.queue(queue), args);
  }
}

function sum(replies: readonly Reply[]): number {
  return replies.reduce<number>((total, reply) => total + (reply as number), 0);
}
