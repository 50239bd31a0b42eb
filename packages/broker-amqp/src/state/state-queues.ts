import { createHash } from 'node:crypto';
import type { StateStore } from '@brokkr/core/adapter';
import type { Names } from '../topology/names.ts';
import { StateShard, type StateShardOptions } from './state-shard.ts';

export interface StateQueuesOptions extends StateShardOptions {
  readonly names: Names;
}

/**
 * Number of queues. More of them make smaller messages, fewer make less work for the server: with ten thousand jobs,
 * each holds some 60 KiB.
 */
const SHARDS = 16;

/**
 * Small values by key, in a few queues of one message each. A queue for each value would be simpler, but a server needs
 * minutes to declare a thousand quorum queues, and hundreds of megabytes to keep them.
 */
export class StateQueues implements StateStore {
  readonly #options: StateQueuesOptions;
  readonly #shards = new Map<number, StateShard>();

  constructor(options: StateQueuesOptions) {
    this.#options = options;
  }

  /** @throws BrokerUnavailableError if the server is unreachable, or another process holds the value, for too long */
  get(key: string): Promise<string | undefined> {
    return this.#shard(key).run((values) => values.get(key));
  }

  /** @throws BrokerUnavailableError if the server is unreachable, or accepts no messages, for too long */
  async set(key: string, value: string | undefined): Promise<void> {
    await this.#shard(key).run((values) => {
      if (value === undefined) values.delete(key);
      else values.set(key, value);
    });
  }

  #shard(key: string): StateShard {
    const index = createHash('sha1').update(key).digest().readUInt8() % SHARDS;
    const known = this.#shards.get(index);
    if (known !== undefined) return known;
    const shard = new StateShard(this.#options.names.state(index), this.#options);
    this.#shards.set(index, shard);
    return shard;
  }
}
