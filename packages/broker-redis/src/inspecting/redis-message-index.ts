import { checkQueueName, type FoundMessage, type MessageIndex, PAGE_LIMIT } from '@brokkr/core/adapter';
import { batches } from '../batches.ts';
import type { QueueCalls } from '../queue-calls.ts';
import { find } from '../scripts/find.ts';
import { promote } from '../scripts/promote.ts';
import { remove } from '../scripts/remove.ts';
import { storedEnvelope } from './message-pages.ts';

/** Messages of one call: a message may have a megabyte, and Redis serves other clients between two calls. */
const FOUND_AT_ONCE = 20;
/** The same for messages that are removed, which Redis reads for their idempotency keys. */
const REMOVED_AT_ONCE = 100;

/** Finds, promotes and removes messages by id. */
export class RedisMessageIndex implements MessageIndex {
  readonly #calls: QueueCalls;

  constructor(calls: QueueCalls) {
    this.#calls = calls;
  }

  async find(queue: string, ids: readonly string[]): Promise<readonly FoundMessage[]> {
    checkQueueName(queue);
    const parts = batches(ids.slice(0, PAGE_LIMIT), FOUND_AT_ONCE);
    return (await Promise.all(parts.map((part) => this.#find(queue, part)))).flat();
  }

  async promote(queue: string, ids: readonly string[]): Promise<readonly string[]> {
    checkQueueName(queue);
    const promoted: string[] = [];
    for (const part of batches(ids).toReversed()) {
      promoted.push(...((await this.#calls.run(promote, queue, part)) as readonly Buffer[]).map(String));
    }
    return promoted;
  }

  /** Removes ready or delayed messages. */
  async cancel(queue: string, ids: readonly string[]): Promise<readonly string[]> {
    checkQueueName(queue);
    return removeMessages(this.#calls, queue, 'cancelled', ids);
  }

  /** A message is stored until it ends. Dead letters are stored elsewhere, and a gap in the line has no content. */
  async unfinished(queue: string, ids: readonly string[]): Promise<readonly string[]> {
    checkQueueName(queue);
    const key = this.#calls.keys.messages(queue);
    const sizes = await Promise.all(
      ids.map((id) => this.#calls.callAt(key, 'hash', (client) => client.hstrlen(key, id))),
    );
    return ids.filter((_, index) => (sizes[index] ?? 0) > 0);
  }

  async #find(queue: string, ids: readonly string[]): Promise<readonly FoundMessage[]> {
    const answer = (await this.#calls.run(find, queue, ids)) as readonly (number | Buffer)[];
    const found: FoundMessage[] = [];
    for (let at = 0; at < answer.length; at += 5) {
      const state = String(answer[at + 1]) as FoundMessage['state'];
      const id = ids[(answer[at] as number) - 1] as string;
      const workerId = String(answer[at + 4]);
      found.push({
        state,
        envelope: storedEnvelope(this.#calls, queue, state, id, answer[at + 2] as Buffer),
        ...(state === 'delayed' && { dueAt: Date.now() + (answer[at + 3] as number) }),
        ...(workerId !== '' && { workerId }),
      });
    }
    return found;
  }
}

/** Removes ready or delayed messages, and counts them. @returns the ids that were removed */
export async function removeMessages(
  calls: QueueCalls,
  queue: string,
  counter: 'purged' | 'cancelled',
  ids: readonly string[],
): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const part of batches(ids, REMOVED_AT_ONCE)) {
    const answer = (await calls.run(remove, queue, [counter, ...part])) as readonly Buffer[];
    removed.push(...answer.map(String));
  }
  return removed;
}
