import type { Delivery } from '../broker/delivery.ts';
import type { Clock } from '../clock/clock.ts';
import { pause } from '../clock/pause.ts';
import { BrokerUnavailableError } from '../errors/errors.ts';
import { failpoint } from '../failpoints/failpoint.ts';
import { backoff } from '../clock/backoff.ts';
import type { Source } from './source.ts';

/** How long a queue that failed may delay the others when it is read again. */
const PROBE_MS = 200;

/** Is called for a queue that could not be read. It is read again after `waitMs`. */
export type OnFetchError = (queue: string, error: unknown, waitMs: number) => void;

/** A queue and its share of a worker's slots. A queue that fails backs off, and delays no other queue. */
export class QueueShare<S extends Source> {
  readonly source: S;
  /**
   * Stride scheduling (Waldspurger, Weihl 1995): each message taken moves a queue on by 1 / weight, and the queue that is
   * furthest behind is next.
   */
  pass = 0;
  /** It had fewer messages than its share when it was last read. */
  isIdle = false;
  readonly #clock: Clock;
  readonly #onError: OnFetchError;
  #rest: Promise<void> | undefined;
  #waitMs = 0;

  constructor(source: S, clock: Clock, onError: OnFetchError) {
    this.source = source;
    this.#clock = clock;
    this.#onError = onError;
  }

  /** Resolves once it may be read again; `undefined` if it may be read now. */
  get rest(): Promise<void> | undefined {
    return this.#rest;
  }

  /** Takes part in the sharing again. A queue gets no credit for the time it was empty, paused or could not be read. */
  join(pass: number): void {
    if (this.isIdle) this.pass = Math.max(this.pass, pass);
    this.isIdle = false;
  }

  /**
   * Receives from its subscription. Returns nothing while that fails.
   * @param stopped ends a backoff
   */
  async take(limit: number, wait: boolean, signal: AbortSignal, stopped: AbortSignal): Promise<readonly Delivery[]> {
    try {
      const deliveries =
        wait || this.#waitMs === 0
          ? await this.source.subscription.receive(limit, { signal, wait })
          : await this.#probe(limit, signal);
      if (deliveries.length > 0) failpoint('claim.after-exec-before-reply');
      if (deliveries.length > 0 || (wait && signal.aborted)) this.#waitMs = 0;
      // A closed broker returns nothing, immediately and each time.
      else if (wait)
        this.#fail(new BrokerUnavailableError('the broker returned no message, as a closed broker does'), stopped);
      return deliveries;
    } catch (error) {
      this.#fail(error, stopped);
      return [];
    }
  }

  /** Reads a queue that failed before: the others wait at most `PROBE_MS` for its answer. */
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
    this.#waitMs = backoff(this.#waitMs);
    this.#onError(this.source.queue, error, this.#waitMs);
    this.#rest = pause(this.#clock, this.#waitMs, stopped).then(() => {
      this.#rest = undefined;
    });
  }
}
