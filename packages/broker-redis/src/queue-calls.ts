import { checkQueueName, type ServerClock } from '@brokkr/core/adapter';
import type { Client } from './connection/connect.ts';
import type { Arguments, Connection } from './connection/connection.ts';
import type { Keys } from './keys.ts';
import type { Reply, Script } from './scripts/script.ts';
import { spoiledKeyError } from './scripts/spoiled-key.ts';

/** Calls to Redis by queue. */
export class QueueCalls {
  readonly keys: Keys;
  readonly serverClock: ServerClock;
  readonly #connection: Connection;

  constructor(connection: Connection, keys: Keys, serverClock: ServerClock) {
    this.#connection = connection;
    this.keys = keys;
    this.serverClock = serverClock;
  }

  /** @throws ConfigError if `queue` is not a queue name, before the server sees it */
  run(script: Script, queue: string, args: Arguments = []): Promise<Reply> {
    checkQueueName(queue);
    return this.runAt(script, this.keys.queue(queue), args);
  }

  get client(): Client {
    return this.#connection.client;
  }

  /** @param key one key, or several that are on one node of a cluster */
  runAt(script: Script, key: string | readonly string[], args: Arguments): Promise<Reply> {
    return this.#connection.run(script, key, args);
  }

  /** Calls commands on one key. If another client overwrote it, the error names the key (`KEY_SPOILED`). */
  async callAt<T>(key: string, expected: string, send: (client: Client) => Promise<T>): Promise<T> {
    try {
      return await this.call(send);
    } catch (error) {
      if (!isWrongType(error)) throw error;
      const found = await this.call((client) => client.type(key));
      throw spoiledKeyError({ key, expected, found }, error);
    }
  }

  call<T>(send: (client: Client) => Promise<T>): Promise<T> {
    return this.#connection.call(send);
  }
}

function isWrongType(error: unknown): boolean {
  const { cause } = error as { readonly cause?: unknown };
  return cause instanceof Error && cause.message.startsWith('WRONGTYPE');
}
