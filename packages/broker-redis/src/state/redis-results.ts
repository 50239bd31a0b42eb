import type { ResultStore } from '@brokkr/core/adapter';
import type { Client } from '../connection/connect.ts';
import type { Connection } from '../connection/connection.ts';
import { closedError } from '../connection/redis-errors.ts';
import type { Keys } from '../keys.ts';

/** What was published is told at once; a message that was lost on a broken connection is made up for this often. */
const LOOK_EVERY_MS = 1_000;

/** Results under keys that expire; who waits for one is told through a channel of the same name. */
export class RedisResults implements ResultStore {
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #connect: () => Client;
  readonly #waiting = new Map<string, Set<Told>>();
  #subscriber: Client | undefined;
  #closed = false;

  constructor(connection: Connection, keys: Keys, connect: () => Client) {
    this.#connection = connection;
    this.#keys = keys;
    this.#connect = connect;
  }

  async store(
    id: string,
    result: Uint8Array,
    ttlMs: number,
    { onlyIfNone = false }: { readonly onlyIfNone?: boolean | undefined } = {},
  ): Promise<void> {
    const key = this.#keys.result(id);
    const bytes = Buffer.from(result);
    const ttl = Math.ceil(ttlMs);
    await this.#connection.call((client) =>
      onlyIfNone ? client.set(key, bytes, 'PX', ttl, 'NX') : client.set(key, bytes, 'PX', ttl),
    );
    await this.#connection.call((client) => client.publish(key, ''));
  }

  async load(id: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const key = this.#keys.result(id);
    const known = await this.#get(key);
    if (known !== undefined || signal.aborted) return known;
    const told = this.#listen(key);
    try {
      for (;;) {
        if (this.#closed) throw closedError();
        const found = await this.#get(key);
        if (found !== undefined || signal.aborted) return found;
        await told.wait(LOOK_EVERY_MS, signal);
      }
    } finally {
      this.#stopListening(key, told);
    }
  }

  close(): void {
    this.#closed = true;
    this.#subscriber?.disconnect();
    for (const waiting of this.#waiting.values()) for (const told of waiting) told.tell();
  }

  async #get(key: string): Promise<Uint8Array | undefined> {
    const found = await this.#connection.call((client) => client.getBuffer(key));
    return found ?? undefined;
  }

  /** From the first who waits for a key on, its channel is listened to; what came before is found by looking. */
  #listen(key: string): Told {
    const told = new Told();
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) {
      waiting.add(told);
      return told;
    }
    this.#waiting.set(key, new Set([told]));
    this.#subscribing()
      .subscribe(key)
      .then(
        () => this.#tell(key),
        () => undefined,
      );
    return told;
  }

  #stopListening(key: string, told: Told): void {
    const waiting = this.#waiting.get(key);
    waiting?.delete(told);
    if (waiting?.size !== 0) return;
    this.#waiting.delete(key);
    this.#subscriber?.unsubscribe(key).catch(() => undefined);
  }

  #subscribing(): Client {
    if (this.#subscriber !== undefined && this.#subscriber.status !== 'end') return this.#subscriber;
    const subscriber = this.#connect();
    subscriber.on('error', () => undefined);
    subscriber.on('message', (key: string) => this.#tell(key));
    this.#subscriber = subscriber;
    return subscriber;
  }

  #tell(key: string): void {
    for (const told of this.#waiting.get(key) ?? []) told.tell();
  }
}

/** Remembers being told between two waits. */
class Told {
  #told = false;
  #wake: (() => void) | undefined;

  tell(): void {
    this.#told = true;
    this.#wake?.();
  }

  /** Resolves once told, after `ms`, or when `signal` aborts. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#told && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', wake);
          this.#wake = undefined;
          resolve();
        };
        const timer = setTimeout(wake, ms);
        signal.addEventListener('abort', wake, { once: true });
        this.#wake = wake;
      });
    }
    this.#told = false;
  }
}
