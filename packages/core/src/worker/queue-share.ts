import type { Delivery } from '../broker/delivery.ts';
import type { Clock } from '../clock/clock.ts';
import { pause } from '../clock/pause.ts';
import { BrokerUnavailableError } from '../errors/errors.ts';
import { failpoint } from '../failpoints/failpoint.ts';
import { backoff as nextWait } from '../clock/backoff.ts';
import type { Source } from './source.ts';

/** Time limit of the first poll after a failure: the other queues wait for its answer no longer than this. */
const PROBE_MS = 200;

/** Is called when a queue could not be read. It is polled again after `waitMs`. */
export type OnFetchError = (queue: string, error: unknown, waitMs: number) => void;

/** The share of one queue, and its backoff: a queue that cannot be read is polled again after 50 ms, doubling up to 2 s. */
export class QueueShare<S extends Source> {
  readonly source: S;
  /**
   * Stride scheduling (Waldspurger, Weihl 1995): each message that is taken advances the pass of its queue by 1 / weight,
   * and the queue with the lowest pass is next.
   */
  pass = 0;
  /** Whether the queue had fewer messages than its share at the last poll. */
  isIdle = false;
  readonly #clock: Clock;
  readonly #onError: OnFetchError;
  #backoff: Promise<void> | undefined;
  #waitMs = 0;

  constructor(source: S, clock: Clock, onError: OnFetchError) {
    this.source = source;
    this.#clock = clock;
    this.#onError = onError;
  }

  /** Resolves when the queue may be polled again; `undefined` if it may be polled now. */
  get backoff(): Promise<void> | undefined {
    return this.#backoff;
  }

  /** Lets the queue share again. It gets no credit for the time in which it was empty, paused or unreadable. */
  join(pass: number): void {
    if (this.isIdle) this.pass = Math.max(this.pass, pass);
    this.isIdle = false;
  }

  /**
   * Receives messages. Never rejects: if the queue cannot be read, the list is empty and the backoff begins.
   * @param stopped ends the backoff
   */
  async poll(limit: number, wait: boolean, signal: AbortSignal, stopped: AbortSignal): Promise<readonly Delivery[]> {
    try {
      const deliveries =
        wait || this.#waitMs === 0
          ? await this.source.subscription.receive(limit, { signal, wait })
          : await this.#probe(limit, signal);
      if (deliveries.length > 0) failpoint('claim.after-exec-before-reply');
      if (deliveries.length > 0 || (wait && signal.aborted)) this.#waitMs = 0;
      // A waiting `receive` returns nothing only if it was aborted, or if the broker is closed. A closed broker answers at
      // once, so polling it again without a wait would spin.
      else if (wait)
        this.#fail(
          new BrokerUnavailableError('the broker returned no message to a waiting call, as a closed broker does'),
          stopped,
        );
      return deliveries;
    } catch (error) {
      this.#fail(error, stopped);
      return [];
    }
  }

  /** Returns false if the broker knows that the queue has no message now. */
  async mayHaveMessages(signal: AbortSignal): Promise<boolean> {
    const { subscription } = this.source;
    return subscription.mayHaveMessages === undefined || subscription.mayHaveMessages(signal);
  }

  /** The first poll after a failure: its answer is awaited for a moment only, because other queues wait for it. */
  async #probe(limit: number, signal: AbortSignal): Promise<readonly Delivery[]> {
    const enough = new AbortController();
    const stop = () => enough.abort();
    signal.addEventListener('abort', stop, { once: true });
    const timer = this.#clock.setTimeout(stop, PROBE_MS);
    try {
      return await this.source.subscription.receive(limit, { signal: enough.signal, wait: false });
    } finally {
      this.#clock.clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
  }

  #fail(error: unknown, stopped: AbortSignal): void {
    this.#waitMs = nextWait(this.#waitMs);
    this.#onError(this.source.queue, error, this.#waitMs);
    this.#backoff = pause(this.#clock, this.#waitMs, stopped).then(() => {
      this.#backoff = undefined;
    });
  }
}
