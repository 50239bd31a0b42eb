import { createHash } from 'node:crypto';
import type { StateStore } from '@brokkr/core/adapter';
import type { Connection } from '../connection/connection.ts';
import type { Names } from '../topology/names.ts';
import { StateShard, type StateShardOptions } from './state-shard.ts';

export interface StateQueuesOptions extends Omit<StateShardOptions, 'onWorn'> {
  /** Publishes. An alarm for memory or disk stops it. */
  readonly connection: Connection;
  /** Reads: a worker that starts during an alarm must learn which queues are paused, or the alarm would never end. */
  readonly reading: Connection;
  readonly names: Names;
}

/** One queue: a shard that reads, and one that also writes. Beside each other they are as two processes. */
interface Shard {
  readonly reader: StateShard;
  readonly writer: StateShard;
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
  readonly #shards = new Map<number, Shard>();

  constructor(options: StateQueuesOptions) {
    this.#options = options;
  }

  /** @throws BrokerUnavailableError if the server is unreachable, or another process holds the value, for too long */
  get(key: string): Promise<string | undefined> {
    return this.#shard(key).reader.run((values) => values.get(key));
  }

  /** @throws BrokerUnavailableError if the server is unreachable, or accepts no messages, for too long */
  async set(key: string, value: string | undefined): Promise<void> {
    await this.#shard(key).writer.run((values) => {
      if (value === undefined) values.delete(key);
      else values.set(key, value);
    });
  }

  #shard(key: string): Shard {
    const index = createHash('sha1').update(key).digest().readUInt8() % SHARDS;
    const known = this.#shards.get(index);
    if (known !== undefined) return known;
    const queue = this.#options.names.state(index);
    const writer = new StateShard(queue, this.#options);
    const onWorn = () => void writer.run(() => undefined).catch(() => undefined);
    const reader = new StateShard(queue, { ...this.#options, connection: this.#options.reading, onWorn });
    const shard = { reader, writer };
    this.#shards.set(index, shard);
    return shard;
  }
}
