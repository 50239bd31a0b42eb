import type {
  BrowsableState,
  BulkOptions,
  Envelope,
  Inspector,
  LetterChoice,
  Page,
  PageOptions,
  QueueCounts,
  QueueReport,
} from '@brokkr/core/adapter';
import { checkLetterChoice, PAGE_LIMIT } from '@brokkr/core/adapter';
import type { MemoryQueue } from './memory-queue.ts';
import type { MemoryServer } from './memory-server.ts';
import { handedOut, type KeptEnvelope, type StoredMessage } from './stored-message.ts';

/** Reads and changes the queues of a memory server for tools. */
export class MemoryInspector implements Inspector {
  readonly browsing = 'free';
  readonly #server: MemoryServer;

  constructor(server: MemoryServer) {
    this.#server = server;
  }

  async queues(): Promise<readonly string[]> {
    return this.#server
      .queues()
      .filter((queue) => queue.isUsed)
      .map((queue) => queue.name);
  }

  async counts(queue: string): Promise<QueueCounts> {
    return this.#server.queue(queue).counts();
  }

  async countsOf(queues: readonly string[]): Promise<readonly QueueReport[]> {
    return queues.map((queue) => {
      try {
        return { queue, ...this.#server.queue(queue).counts() };
      } catch (error) {
        return { queue, error: error as Error };
      }
    });
  }

  async page(name: string, state: BrowsableState, { limit, after, from }: PageOptions): Promise<Page> {
    const queue = this.#server.queue(name);
    const all = state === 'dead' ? [...queue.dead()] : [...(state === 'ready' ? queue.ready() : queue.delayed())];
    if (from === 'newest') all.reverse();
    const start = after === undefined ? 0 : startAfter(after, all);
    const end = start + Math.min(Math.max(1, limit), PAGE_LIMIT);
    const last = all[end - 1];
    const items = all.slice(start, end).map((message) => this.#item(message));
    return last === undefined || end >= all.length ? { items } : { items, next: `${end}:${idOf(last)}` };
  }

  async take(
    name: string,
    limit: number,
    move: (envelopes: readonly Envelope[]) => Promise<void>,
    { from = 'waiting' }: { readonly from?: 'waiting' | 'dead' | undefined } = {},
  ): Promise<number> {
    const queue = this.#server.queue(name);
    const taken = first<StoredMessage | KeptEnvelope>(from === 'dead' ? queue.dead() : queue.waiting(), limit);
    await move(taken.map((message) => this.#asOfNow(message)));
    // A worker may have started some while they were stored elsewhere: those run here too, rather than get lost.
    return taken.filter((message) =>
      from === 'dead' ? queue.discard(idOf(message)) : queue.remove(idOf(message), 'purged'),
    ).length;
  }

  async bury(name: string, letters: readonly Envelope[]): Promise<void> {
    const queue = this.#server.queue(name);
    for (const letter of letters) queue.bury(letter);
  }

  async redrive(name: string, which: LetterChoice, options: BulkOptions = {}): Promise<number> {
    const queue = this.#server.queue(name);
    const done = await inBatches(queue, which, options, (id) => queue.redrive(id));
    queue.ring();
    return done;
  }

  async discard(name: string, which: LetterChoice, options: BulkOptions = {}): Promise<number> {
    const queue = this.#server.queue(name);
    return inBatches(queue, which, options, (id) => queue.discard(id));
  }

  async purge(name: string): Promise<number> {
    const queue = this.#server.queue(name);
    return [...queue.ready()].filter(({ envelope }) => queue.remove(envelope.id, 'purged')).length;
  }

  #item(message: StoredMessage | KeptEnvelope): Page['items'][number] {
    if ('bytes' in message) return { envelope: handedOut(message) };
    const envelope = handedOut(message.envelope);
    return message.state === 'delayed' ? { envelope, dueAt: this.#server.dueAt(message) } : { envelope };
  }

  /** The envelope with the time it still has to wait, by this host's clock. */
  #asOfNow(message: StoredMessage | KeptEnvelope): Envelope {
    if ('bytes' in message) return handedOut(message);
    const { notBefore: _, ...rest } = handedOut(message.envelope);
    return message.state === 'delayed' ? { ...rest, notBefore: this.#server.dueAt(message) } : rest;
  }
}

function idOf(message: StoredMessage | KeptEnvelope): string {
  return 'bytes' in message ? message.id : message.envelope.id;
}

/** Where the next page begins: after the message of the cursor, or at its old place if that message is gone. */
function startAfter(cursor: string, messages: readonly (StoredMessage | KeptEnvelope)[]): number {
  const colon = cursor.indexOf(':');
  const place = Number(cursor.slice(0, colon));
  const id = cursor.slice(colon + 1);
  const known = messages[place - 1];
  if (known !== undefined && idOf(known) === id) return place;
  const at = messages.findIndex((message) => idOf(message) === id);
  return at >= 0 ? at + 1 : Math.max(0, place - 1) || 0;
}

function first<T>(items: Iterable<T>, limit: number): T[] {
  const taken: T[] = [];
  for (const item of items) {
    if (taken.length >= limit) break;
    taken.push(item);
  }
  return taken;
}

async function inBatches(
  queue: MemoryQueue,
  which: LetterChoice,
  { signal, batch = PAGE_LIMIT, onBatch }: BulkOptions,
  change: (id: string) => boolean,
): Promise<number> {
  checkLetterChoice(which);
  const letters = [...queue.dead()];
  const named = Array.isArray(which) ? new Set<string>(which) : undefined;
  let done = 0;
  let changed = 0;
  for (const [index, letter] of letters.entries()) {
    if (signal?.aborted) break;
    const isChosen = named?.has(letter.id) ?? (typeof which === 'function' ? which(handedOut(letter)) : true);
    if (isChosen && change(letter.id)) changed++;
    if (changed < batch && index < letters.length - 1) continue;
    done += changed;
    changed = 0;
    await onBatch?.({ done, looked: index + 1 });
  }
  return done + changed;
}
