import { createHash } from 'node:crypto';
import type { StateStore } from '@brokkr/core/adapter';
import type { Names } from '../topology/names.ts';
import { StateShard, type StateShardOptions } from './state-shard.ts';

export interface StateQueuesOptions extends StateShardOptions {
  readonly names: Names;
}

/** More of them make messages smaller, fewer make less work for the server: of ten thousand jobs each holds some 60 KiB. */
const SHARDS = 16;

/**
 * Small values by key, in a few queues of one message each. A queue for each value would be simpler, and a thousand
 * quorum queues take a server minutes to declare and hundreds of megabytes to keep.
 */
export class StateQueues implements StateStore {
  readonly #options: StateQueuesOptions;
  readonly #shards = new Map<number, StateShard>();

  constructor(options: StateQueuesOptions) {
    this.#options = options;
  }

  /** @throws BrokerUnavailableError where the server is away for too long, or somebody else holds the value */
  get(key: string): Promise<string | undefined> {
    return this.#shard(key).run((values) => values.get(key));
  }

  /** @throws BrokerUnavailableError where the server is away, or takes nothing, for too long */
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
