import { nextTick } from 'node:process';
import type { StateStore } from '@brokkr/core/adapter';
import { batches } from '../batches.ts';
import type { QueueCalls } from '../queue-calls.ts';

type Values = ReadonlyMap<string, string>;

/** Small values, all in one hash. The reads of one turn of the event loop share a call for each 500 of them. */
export class RedisStates implements StateStore {
  readonly #calls: QueueCalls;
  readonly #key: string;
  #asked: string[] = [];
  #reading: Promise<Values> | undefined;

  constructor(calls: QueueCalls) {
    this.#calls = calls;
    this.#key = calls.keys.state;
  }

  async get(key: string): Promise<string | undefined> {
    this.#asked.push(key);
    this.#reading ??= new Promise<void>((resolve) => nextTick(resolve)).then(() => this.#read());
    return (await this.#reading).get(key);
  }

  async set(key: string, value: string | undefined): Promise<void> {
    await this.#calls.callAt(this.#key, 'hash', (client) =>
      value === undefined ? client.hdel(this.#key, key) : client.hset(this.#key, key, value),
    );
  }

  async #read(): Promise<Values> {
    const asked = this.#asked;
    this.#asked = [];
    this.#reading = undefined;
    const values = new Map<string, string>();
    await Promise.all(
      batches(asked).map(async (keys) => {
        const answers = await this.#calls.callAt(this.#key, 'hash', (client) => client.hmget(this.#key, ...keys));
        for (const [index, key] of keys.entries()) {
          const value = answers[index];
          if (value != null) values.set(key, value);
        }
      }),
    );
    return values;
  }
}
