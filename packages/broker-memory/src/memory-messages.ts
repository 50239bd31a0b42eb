import type { MessageIndex } from '@brokkr/core/adapter';
import type { MemoryServer } from './memory-server.ts';

/** Finds the messages of a memory server by their ids. */
export class MemoryMessages implements MessageIndex {
  readonly #server: MemoryServer;

  constructor(server: MemoryServer) {
    this.#server = server;
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
