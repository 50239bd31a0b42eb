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

<<<<<<< HEAD
  constructor(calls: QueueCalls) {
    this.#calls = calls;
    this.#key = calls.keys.state;
=======
  constructor(connection: Connection, keys: Keys) {
    this.#connection = connection;
    this.#key = keys.state;
>>>>>>> main
  }

  async get(key: string): Promise<string | undefined> {
    this.#asked.push(key);
    this.#reading ??= new Promise<void>((resolve) => nextTick(resolve)).then(() => this.#read());
    return (await this.#reading).get(key);
  }

  async set(key: string, value: string | undefined): Promise<void> {
<<<<<<< HEAD
    await this.#calls.callAt(this.#key, 'hash', (client) =>
=======
    await this.#connection.call((client) =>
>>>>>>> main
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
<<<<<<< HEAD
        const answers = await this.#calls.callAt(this.#key, 'hash', (client) => client.hmget(this.#key, ...keys));
=======
        const answers = await this.#connection.call((client) => client.hmget(this.#key, ...keys));
>>>>>>> main
        for (const [index, key] of keys.entries()) {
          const value = answers[index];
          if (value != null) values.set(key, value);
        }
      }),
    );
    return values;
  }
}
