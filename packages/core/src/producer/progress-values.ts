import type { Clock } from '../clock/clock.ts';
import { pause } from '../clock/pause.ts';
import type { ControlSignals } from '../control/control-signals.ts';

/** Values that a slow consumer may be behind. Older ones are dropped. */
const MOST_UNREAD = 100;

/** Progress values of one message that were heard or loaded, and not yet read. A value that repeats is kept once. */
export class ProgressValues {
  readonly #clock: Clock;
  readonly #unread: string[] = [];
  #last: string | undefined;
  #lookAt = Number.NEGATIVE_INFINITY;
  #change = new AbortController();
  /** Grows with each value that was heard. */
  version = 0;
  /** Whether a signal said that the message has ended. */
  hasEnded = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether broker and store are to be asked now. */
  get isLookDue(): boolean {
    return this.#clock.monotonic() >= this.#lookAt;
  }

  lookIn(ms: number): void {
    this.#lookAt = this.#clock.monotonic() + ms;
  }

  look(): void {
    this.#lookAt = Number.NEGATIVE_INFINITY;
    this.#change.abort();
  }

  heard({ value, ended }: ControlSignals['progress']): void {
    this.version++;
    if (ended === true) this.hasEnded = true;
    // The signal of a long value carries none.
    else if (value === undefined) this.look();
    else this.#add(JSON.stringify(value));
    this.#change.abort();
  }

  /** @param version before the load: a value that was heard since then is newer */
  loaded(json: string | undefined, version: number): void {
    if (json !== undefined && version === this.version) this.#add(json);
  }

  shift(): string | undefined {
    return this.#unread.shift();
  }

  /** Resolves once something was heard, or after `ms`. */
  async changed(ms: number): Promise<void> {
    await pause(this.#clock, ms, this.#change.signal);
    if (this.#change.signal.aborted) this.#change = new AbortController();
  }

  #add(json: string): void {
    if (json === this.#last) return;
    this.#last = json;
    this.#unread.push(json);
    if (this.#unread.length > MOST_UNREAD) this.#unread.shift();
  }
}
