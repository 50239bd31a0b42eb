import type { ResultStore } from '@brokkr/core/adapter';
import type { Client } from '../connection/connect.ts';
import { closedError } from '../connection/redis-errors.ts';
import type { QueueCalls } from '../queue-calls.ts';

/** A waiting call looks this often: the notice of a new result may be lost on a broken connection. */
const LOOK_EVERY_MS = 1_000;

/** Stores results under keys that expire. A channel of the same name notifies the callers that wait for a result. */
export class RedisResults implements ResultStore {
  readonly #calls: QueueCalls;
  readonly #connect: () => Client;
  readonly #waiting = new Map<string, Set<Told>>();
  #subscriber: Client | undefined;
  #closed = false;

  constructor(calls: QueueCalls, connect: () => Client) {
    this.#calls = calls;
    this.#connect = connect;
  }

  async store(
    id: string,
    result: Uint8Array,
    ttlMs: number,
    { onlyIfNone = false }: { readonly onlyIfNone?: boolean | undefined } = {},
  ): Promise<void> {
    const key = this.#calls.keys.result(id);
    const bytes = Buffer.from(result);
    const ttl = Math.ceil(ttlMs);
    await this.#calls.call((client) =>
      onlyIfNone ? client.set(key, bytes, 'PX', ttl, 'NX') : client.set(key, bytes, 'PX', ttl),
    );
    // The result is stored. A caller that is not notified, for example without the right to PUBLISH, finds it by looking.
    await this.#calls.call((client) => client.publish(key, '')).catch(() => undefined);
  }

  async load(id: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const key = this.#calls.keys.result(id);
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
    const found = await this.#calls.callAt(key, 'string', (client) => client.getBuffer(key));
    return found ?? undefined;
  }

  /** Subscribes to the channel of a key for its first caller. A result that was stored before is found by looking. */
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
