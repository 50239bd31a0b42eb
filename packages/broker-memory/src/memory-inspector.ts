import type { Envelope, Inspector, PeekState, QueueCounts } from '@brokkr/core/adapter';
import type { MemoryQueue } from './memory-queue.ts';
import type { MemoryServer } from './memory-server.ts';
import { handedOut, type StoredMessage } from './stored-message.ts';

/** Reads and changes the queues of a memory server for tools. */
export class MemoryInspector implements Inspector {
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

  async peek(name: string, state: PeekState, limit: number): Promise<readonly Envelope[]> {
    const queue = this.#server.queue(name);
    if (state === 'dead') return first(queue.dead(), limit).map((letter) => handedOut(letter));
    const messages = state === 'ready' ? queue.ready() : queue.delayed();
    return first(messages, limit).map((message) => handedOut(message.envelope));
  }

  async take(name: string, limit: number, move: (envelopes: readonly Envelope[]) => Promise<void>): Promise<number> {
    const queue = this.#server.queue(name);
    const taken = first(queue.waiting(), limit);
    await move(taken.map((message) => this.#asOfNow(message)));
    // A worker may have started some of them during `move`. Those run here, too: that loses no message.
    return taken.filter(({ envelope }) => queue.remove(envelope.id, 'purged')).length;
  }

  async redrive(name: string, ids: readonly string[] | 'all'): Promise<number> {
    const queue = this.#server.queue(name);
    const redriven = idsOf(queue, ids).filter((id) => queue.redrive(id)).length;
    queue.ring();
    return redriven;
  }

  async discard(name: string, ids: readonly string[] | 'all'): Promise<number> {
    const queue = this.#server.queue(name);
    return idsOf(queue, ids).filter((id) => queue.discard(id)).length;
  }

  async purge(name: string): Promise<number> {
    const queue = this.#server.queue(name);
    return [...queue.ready()].filter(({ envelope }) => queue.remove(envelope.id, 'purged')).length;
  }

  /** Returns the envelope with the rest of its delay, by this host's clock. */
  #asOfNow({ envelope, state, dueAt, remainingDelayMs }: StoredMessage): Envelope {
    const { notBefore: _, ...rest } = handedOut(envelope);
    if (state !== 'delayed') return rest;
    const { clock } = this.#server;
    return { ...rest, notBefore: Math.ceil(clock.now() + dueAt - clock.monotonic() + remainingDelayMs) };
  }
}

function first<T>(items: Iterable<T>, limit: number): T[] {
  const taken: T[] = [];
  for (const item of items) {
    if (taken.length >= limit) break;
    taken.push(item);
  }
  return taken;
}

function idsOf(queue: MemoryQueue, ids: readonly string[] | 'all'): readonly string[] {
  return ids === 'all' ? [...queue.dead()].map(({ id }) => id) : ids;
}
