import type { Clock } from '../clock/clock.ts';
import { pause } from '../clock/pause.ts';
import { backoff as nextWait } from '../clock/backoff.ts';
import type { Source } from './source.ts';

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

  /** Whether the last poll failed, or said nothing: the next answer is awaited for a moment only. */
  get isDoubtful(): boolean {
    return this.#waitMs > 0;
  }

  answered(): void {
    this.#waitMs = 0;
  }

  /** Begins the backoff. @param stopped ends it */
  failed(error: unknown, stopped: AbortSignal): void {
    this.#waitMs = nextWait(this.#waitMs);
    this.#onError(this.source.queue, error, this.#waitMs);
    this.#backoff = pause(this.#clock, this.#waitMs, stopped).then(() => {
      this.#backoff = undefined;
    });
  }
}
