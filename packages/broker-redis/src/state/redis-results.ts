import type { ResultStore } from '@brokkr/core/adapter';
import { closedError } from '../connection/redis-errors.ts';
import type { ChannelListener, Subscriber } from '../connection/subscriber.ts';
import type { QueueCalls } from '../queue-calls.ts';

/** A waiting call looks this often: the notice of a new result may be lost on a broken connection. */
const LOOK_EVERY_MS = 1_000;

/** Stores results under keys that expire. A channel of the same name notifies the callers that wait for a result. */
export class RedisResults implements ResultStore {
  readonly #calls: QueueCalls;
  readonly #subscriber: Subscriber;
  readonly #waiting = new Set<Notice>();
  #closed = false;

  constructor(calls: QueueCalls, subscriber: Subscriber) {
    this.#calls = calls;
    this.#subscriber = subscriber;
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
    const notice = new Notice();
    this.#waiting.add(notice);
    // A result that was stored before the subscription is found by looking.
    this.#subscriber.listen(key, notice).then(notice.hear, () => undefined);
    try {
      for (;;) {
        if (this.#closed) throw closedError();
        const found = await this.#get(key);
        if (found !== undefined || signal.aborted) return found;
        await notice.wait(LOOK_EVERY_MS, signal);
      }
    } finally {
      this.#waiting.delete(notice);
      this.#subscriber.stop(key, notice);
    }
  }

  close(): void {
    this.#closed = true;
    for (const notice of this.#waiting) notice.hear();
  }

  async #get(key: string): Promise<Uint8Array | undefined> {
    const found = await this.#calls.callAt(key, 'string', (client) => client.getBuffer(key));
    return found ?? undefined;
  }
}

/** Remembers a notice that arrives between two waits. */
class Notice implements ChannelListener {
  #isHeard = false;
  #wake: (() => void) | undefined;

  readonly hear = (): void => {
    this.#isHeard = true;
    this.#wake?.();
  };

  /** Resolves once the notice is heard, after `ms`, or when `signal` aborts. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#isHeard && !signal.aborted) {
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
    this.#isHeard = false;
  }
}
