import type { StateStore } from '@brokkr/core/adapter';
import type { MemoryServer } from './memory-server.ts';

/** Small values by name, kept as long as the memory server. */
export class MemoryStates implements StateStore {
  readonly #values: Map<string, string>;

  constructor(server: MemoryServer) {
    this.#values = server.state;
  }

  async get(key: string): Promise<string | undefined> {
    return this.#values.get(key);
  }

  async set(key: string, value: string | undefined): Promise<void> {
    if (value === undefined) this.#values.delete(key);
    else this.#values.set(key, value);
  }
}
