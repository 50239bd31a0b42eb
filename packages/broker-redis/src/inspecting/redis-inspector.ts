import {
  type BrowsableState,
  type BulkOptions,
  checkQueueName,
  deadLetterQueue,
  type Envelope,
  type Inspector,
  type LetterChoice,
  type Page,
  type PageItem,
  type PageOptions,
  type QueueCounts,
  type QueueReport,
  redriveEnvelope,
} from '@brokkr/core/adapter';
import { batches, LARGEST_BATCH } from '../batches.ts';
import { encodeEnvelope } from '../envelope-codec.ts';
import type { QueueCalls } from '../queue-calls.ts';
import { bury, discard, redrive } from '../scripts/dead-letters.ts';
import { figures } from '../scripts/figures.ts';
import { purge } from '../scripts/purge.ts';
import { ChosenLetters } from './chosen-letters.ts';
import { messagePage, storedEnvelope } from './message-pages.ts';
import { queueNames } from './queue-names.ts';
import { removeMessages } from './redis-message-index.ts';

/** Shows and changes queues for people and tools. Every call handles at most 500 messages at a time. */
export class RedisInspector implements Inspector {
  readonly browsing = 'free';
  readonly #calls: QueueCalls;

  constructor(calls: QueueCalls) {
    this.#calls = calls;
  }

  /** Names on the list of queues. Entries that are not queue names are left out; `diagnose` reports them. */
  async queues(): Promise<readonly string[]> {
    return (await queueNames(this.#calls)).valid;
  }

  /** @throws BrokerUnavailableError if another client overwrote a key of the queue (`KEY_SPOILED`) */
  async counts(queue: string): Promise<QueueCounts> {
    const figures = await this.#figures(queue);
    const [ready, delayed, running, dead, published, acknowledged, discarded, purged, cancelled, expired] = figures;
    const overdueMs = figures[11];
    return {
      ...{ ready, delayed, running, dead, published, acknowledged, discarded, purged, cancelled, expired },
      ...(overdueMs !== undefined && { overdueMs }),
    };
  }

  /** One small call for each queue, 500 of them in flight: a queue whose keys are spoiled fails alone. */
  async countsOf(queues: readonly string[]): Promise<readonly QueueReport[]> {
    const reports: QueueReport[] = [];
    for (const part of batches(queues)) {
      const counted = part.map(async (queue) => {
        try {
          return { queue, ...(await this.counts(queue)) };
        } catch (error) {
          return { queue, error: error as Error };
        }
      });
      reports.push(...(await Promise.all(counted)));
    }
    return reports;
  }

  /** @throws ConfigError if `after` is not the `next` of a page (`CURSOR_INVALID`) */
  page(queue: string, state: BrowsableState, options: PageOptions): Promise<Page> {
    return messagePage(this.#calls, queue, state, options);
  }

  async take(
    queue: string,
    limit: number,
    move: (envelopes: readonly Envelope[]) => Promise<void>,
    { from = 'waiting' }: { readonly from?: 'waiting' | 'dead' | undefined } = {},
  ): Promise<number> {
    if (from === 'dead') return this.#take(queue, 'dead', limit, move);
    const ready = await this.#take(queue, 'ready', limit, move);
    return ready + (await this.#take(queue, 'delayed', limit - ready, move));
  }

  async bury(queue: string, letters: readonly Envelope[]): Promise<void> {
    checkQueueName(queue);
    const { queues } = this.#calls.keys;
    // Before its first letter: commands would not find a queue that is not on the list.
    await this.#calls.callAt(queues, 'set', (client) => client.sadd(queues, queue));
    for (const part of batches(letters)) {
      const stored = part.map((letter) => ({ ...letter, queue: deadLetterQueue(queue) }));
      await this.#calls.run(
        bury,
        queue,
        stored.flatMap((letter) => [letter.id, encodeEnvelope(letter)]),
      );
    }
  }

  redrive(queue: string, which: LetterChoice, options?: BulkOptions): Promise<number> {
    return this.#changeLetters(queue, which, options, (ids) => this.#redrive(queue, ids));
  }

  discard(queue: string, which: LetterChoice, options?: BulkOptions): Promise<number> {
    return this.#changeLetters(queue, which, options, (ids) => this.#discard(queue, ids));
  }

  async purge(queue: string): Promise<number> {
    // Only the ids that are in line or due now: producers may send more all the time.
    let left = (await this.#figures(queue))[10] ?? 0;
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

  async #figures(queue: string): Promise<readonly (number | undefined)[]> {
    const answer = (await this.#calls.run(figures, queue)) as readonly (number | null)[];
    return answer.map((figure) => figure ?? undefined);
  }

  /** Moves messages of one state, page by page from the front, which `remove` shortens. */
  async #take(
    queue: string,
    state: BrowsableState,
    limit: number,
    move: (envelopes: readonly Envelope[]) => Promise<void>,
  ): Promise<number> {
    // A worker may start a message while it is stored elsewhere: it runs here too, and is moved once.
    const kept = new Set<string>();
    let removed = 0;
    let after: string | undefined;
    for (let left = limit; left > 0; ) {
      const page = await messagePage(this.#calls, queue, state, { limit: left, after });
      const items = page.items.filter(({ envelope }) => !kept.has(envelope.id));
      if (items.length > 0) {
        await move(items.map(asOfNow));
        for (const { envelope } of items) kept.add(envelope.id);
        const gone = await this.#remove(queue, state, [...items.map(({ envelope }) => envelope.id)]);
        for (const id of gone) kept.delete(id);
        removed += gone.length;
        left -= items.length;
        after = undefined;
      } else if (page.next === undefined) break;
      else after = page.next;
    }
    return removed;
  }

  async #remove(queue: string, state: BrowsableState, ids: readonly string[]): Promise<readonly string[]> {
    if (state !== 'dead') return removeMessages(this.#calls, queue, 'purged', ids);
    await this.#discard(queue, ids);
    return ids;
  }

  #changeLetters(
    queue: string,
    which: LetterChoice,
    options: BulkOptions | undefined,
    change: (ids: readonly string[]) => Promise<number>,
  ): Promise<number> {
    const dead = async () => (await this.counts(queue)).dead ?? 0;
    return new ChosenLetters({ calls: this.#calls, queue, dead, change }).change(which, options);
  }

  async #discard(queue: string, ids: readonly string[]): Promise<number> {
    return (await this.#calls.run(discard, queue, ids)) as number;
  }

  async #redrive(queue: string, ids: readonly string[]): Promise<number> {
    checkQueueName(queue);
    const key = this.#calls.keys.letters(queue);
    const letters = await this.#calls.callAt(key, 'hash', (client) => client.hmgetBuffer(key, ...ids));
    const args = ids.flatMap((id, index) => {
      const bytes = letters[index] ?? null;
      if (bytes === null) return [];
      const letter = storedEnvelope(this.#calls, queue, 'dead', id, bytes);
      return [id, encodeEnvelope(redriveEnvelope(letter, queue, Date.now()))];
    });
    return args.length === 0 ? 0 : ((await this.#calls.run(redrive, queue, args)) as number);
  }
}

/** A message with the time it still has to wait, by this host's clock. */
function asOfNow({ envelope, dueAt }: PageItem): Envelope {
  const { notBefore: _, ...rest } = envelope;
  return dueAt !== undefined && dueAt > Date.now() ? { ...rest, notBefore: dueAt } : rest;
}
