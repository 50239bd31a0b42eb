import { type FoundMessage, type MessageIndex, PAGE_LIMIT } from '@brokkr/core/adapter';
import type { MemoryServer } from './memory-server.ts';

/** Finds the messages of a memory server by their ids. */
export class MemoryMessages implements MessageIndex {
  readonly #server: MemoryServer;

  constructor(server: MemoryServer) {
    this.#server = server;
  }

  async find(name: string, ids: readonly string[]): Promise<readonly FoundMessage[]> {
    const queue = this.#server.queue(name);
    return ids.slice(0, PAGE_LIMIT).flatMap((id) => queue.find(id, (message) => this.#server.dueAt(message)) ?? []);
  }

  async promote(name: string, ids: readonly string[]): Promise<readonly string[]> {
    const queue = this.#server.queue(name);
    // The last one first, because each goes to the head.
    const promoted = ids.toReversed().filter((id) => queue.promote(id));
    queue.ring();
    return promoted;
  }

  async cancel(name: string, ids: readonly string[]): Promise<readonly string[]> {
    const queue = this.#server.queue(name);
    return ids.filter((id) => queue.remove(id, 'cancelled'));
  }

  async unfinished(name: string, ids: readonly string[]): Promise<readonly string[]> {
    const queue = this.#server.queue(name);
    return ids.filter((id) => queue.isUnfinished(id));
  }
}
