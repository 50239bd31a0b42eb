import type { ResultStore } from '@brokkr/core';
import type { Client } from './connect.ts';
import type { Connection } from './connection.ts';
import type { Keys } from './keys.ts';

/** What was published is told at once; a message that was lost on a broken connection is made up for this often. */
const LOOK_EVERY_MS = 1_000;

/** Results under keys that expire; who waits for one is told through a channel of the same name. */
export class RedisResults implements ResultStore {
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #patienceMs: number;
  readonly #connect: () => Client;
  readonly #waiting = new Map<string, Set<() => void>>();
  #subscriber: Client | undefined;
  #closed = false;

  constructor(connection: Connection, keys: Keys, patienceMs: number, connect: () => Client) {
    this.#connection = connection;
    this.#keys = keys;
    this.#patienceMs = patienceMs;
    this.#connect = connect;
  }

  async storeResult(id: string, result: Uint8Array, ttlMs: number): Promise<void> {
    const key = this.#keys.result(id);
    const patience = { patienceMs: this.#patienceMs };
    await this.#connection.call((client) => client.set(key, Buffer.from(result), 'PX', Math.ceil(ttlMs)), patience);
    await this.#connection.call((client) => client.publish(key, ''), patience);
  }

  async loadResult(id: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const key = this.#keys.result(id);
    for (;;) {
      const found = await this.#connection.call((client) => client.getBuffer(key), { patienceMs: this.#patienceMs });
      if (found !== null) return found;
      if (signal.aborted || this.#closed) return undefined;
      await this.#told(key, signal);
    }
  }

  close(): void {
    this.#closed = true;
    this.#subscriber?.disconnect();
    for (const waiting of [...this.#waiting.values()]) for (const wake of [...waiting]) wake();
  }

  #told(key: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(key) ?? new Set();
      const wake = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        waiting.delete(wake);
        if (waiting.size === 0 && this.#waiting.delete(key)) this.#ignoring(this.#subscriber?.unsubscribe(key));
        resolve();
      };
      const timer = setTimeout(wake, LOOK_EVERY_MS);
      signal.addEventListener('abort', wake, { once: true });
      waiting.add(wake);
      if (this.#waiting.has(key)) return;
      this.#waiting.set(key, waiting);
      // What was stored before the channel was listened to is found by looking once more.
      this.#subscribed(key).then(wake, () => undefined);
    });
  }

  async #subscribed(key: string): Promise<void> {
    if (this.#subscriber === undefined) {
      this.#subscriber = this.#connect();
      this.#subscriber.on('error', () => undefined);
      this.#subscriber.on('message', (channel: string) => {
        for (const wake of [...(this.#waiting.get(channel) ?? [])]) wake();
      });
    }
    await this.#subscriber.subscribe(key);
  }

  #ignoring(promise: Promise<unknown> | undefined): void {
    promise?.catch(() => undefined);
  }
}
