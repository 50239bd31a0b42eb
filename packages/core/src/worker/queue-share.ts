import type { Delivery } from '../broker/delivery.ts';
import type { Clock } from '../clock/clock.ts';
import { pause } from '../clock/pause.ts';
import { BrokerUnavailableError } from '../errors/errors.ts';
import { failpoint } from '../failpoints/failpoint.ts';
import { backoff } from '../clock/backoff.ts';
import type { Source } from './source.ts';

/** How long a queue that failed may keep the others waiting when it is asked again. */
const PROBE_MS = 200;

/** Told of a queue that could not be read, and is asked again after `waitMs`. */
export type OnFetchError = (queue: string, error: unknown, waitMs: number) => void;

/** A source in the contest for the next message. One that fails rests for a while, and holds up no other. */
export class QueueShare<S extends Source> {
  readonly source: S;
  /**
   * Stride scheduling (Waldspurger, Weihl 1995): each message taken moves a contender on by 1 / weight, and the one
   * that is furthest behind is next.
   */
  pass = 0;
  /** It gave less than its share when it was last asked. */
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

  /** Resolves once it may be asked again; `undefined` where it may be now. */
  get rest(): Promise<void> | undefined {
    return this.#rest;
  }

  /** Stands in the contest again: while it was empty, or could not be read, it has saved up no turns. */
  join(pass: number): void {
    if (this.isIdle) this.pass = Math.max(this.pass, pass);
    this.isIdle = false;
  }

  /**
   * What its subscription hands over: nothing while it fails.
   * @param stopped ends a rest
   */
  async take(limit: number, wait: boolean, signal: AbortSignal, stopped: AbortSignal): Promise<readonly Delivery[]> {
    try {
      const deliveries =
        wait || this.#waitMs === 0
          ? await this.source.subscription.receive(limit, { signal, wait })
          : await this.#probe(limit, signal);
      if (deliveries.length > 0) failpoint('claim.after-exec-before-reply');
      if (deliveries.length > 0 || (wait && signal.aborted)) this.#waitMs = 0;
      // A closed broker answers so, at once and for ever.
      else if (wait)
        this.#fail(new BrokerUnavailableError('the broker hands out nothing, as one that was closed'), stopped);
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

  /** After a failure others wait for the answer no longer than a moment. */
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
