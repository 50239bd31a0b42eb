import { type BulkOptions, checkLetterChoice, checkQueueName, type LetterChoice } from '@brokkr/core/adapter';
import { batches, batchSize } from '../batches.ts';
import type { QueueCalls } from '../queue-calls.ts';
import { messagePage } from './message-pages.ts';

/** Letters to change in one step, and how many were looked at so far. */
interface Step {
  readonly ids: readonly string[];
  readonly looked: number;
}

export interface ChosenLettersOptions {
  readonly calls: QueueCalls;
  readonly queue: string;
  /** Dead letters of the queue now. Letters that die later are not looked at. */
  readonly dead: () => Promise<number>;
  /** Redrives or discards letters. Returns how many. */
  readonly change: (ids: readonly string[]) => Promise<number>;
}

/** Redrives or discards dead letters step by step. */
export class ChosenLetters {
  readonly #options: ChosenLettersOptions;
  /** Letters that were looked at and are still dead: ids without content, which are stepped over. */
  #left = 0;

  constructor(options: ChosenLettersOptions) {
    this.#options = options;
  }

  async change(which: LetterChoice, { signal, batch, onBatch }: BulkOptions = {}): Promise<number> {
    checkQueueName(this.#options.queue);
    checkLetterChoice(which);
    let done = 0;
    for await (const { ids, looked } of this.#steps(which, batchSize(batch))) {
      if (signal?.aborted) break;
      const changed = ids.length === 0 ? 0 : await this.#options.change(ids);
      done += changed;
      this.#left += ids.length - changed;
      await onBatch?.({ done, looked });
    }
    return done;
  }

  #steps(which: LetterChoice, size: number): AsyncIterable<Step> | Iterable<Step> {
    if (which === 'all') return this.#all(size);
    if (typeof which === 'function') return this.#matching(which, size);
    let looked = 0;
    return batches(which, size).map((ids) => {
      looked += ids.length;
      return { ids, looked };
    });
  }

  async *#all(size: number): AsyncGenerator<Step> {
    const { calls, queue, dead } = this.#options;
    const key = calls.keys.dead(queue);
    const total = await dead();
    for (let looked = 0; looked < total; ) {
      const from = this.#left;
      const last = String(from + Math.min(total - looked, size) - 1);
      const ids = await calls.callAt(key, 'zset', (client) => client.zrange(key, from, last));
      if (ids.length === 0) return;
      looked += ids.length;
      yield { ids, looked };
    }
  }

  async *#matching(matches: Exclude<LetterChoice, readonly string[] | 'all'>, size: number): AsyncGenerator<Step> {
    const { calls, queue, dead } = this.#options;
    const total = await dead();
    let after: string | undefined;
    for (let looked = 0; looked < total; ) {
      const { items, next } = await messagePage(calls, queue, 'dead', { limit: total - looked, after });
      looked += items.length;
      const ids = items.filter(({ envelope }) => matches(envelope)).map(({ envelope }) => envelope.id);
      if (ids.length === 0) yield { ids, looked };
      else for (const part of batches(ids, size)) yield { ids: part, looked };
      if (next === undefined) return;
      after = next;
    }
  }
}
