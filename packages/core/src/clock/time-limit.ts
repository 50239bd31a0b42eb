import type { Clock, TimerHandle } from './clock.ts';
import { LATE_MS } from './system-clock.ts';

/** Most milliseconds that an answer gets after such a block: only then are calls written, and answers read. */
const AFTER_BLOCK_MS = 1_000;

/** A time limit for an answer. Time in which the event loop was blocked counts, but its end is not the end of the wait. */
export class TimeLimit {
  readonly #clock: Clock;
  #timer: TimerHandle;

  /** @param onOver is called after `ms`, or up to a second after a block of the event loop that lasted longer */
  constructor(clock: Clock, ms: number, onOver: () => void) {
    this.#clock = clock;
    const dueAt = clock.monotonic() + ms;
    this.#timer = clock.setTimeout(() => {
      if (clock.monotonic() - dueAt <= LATE_MS) onOver();
      else this.#timer = clock.setTimeout(onOver, Math.min(ms, AFTER_BLOCK_MS));
    }, ms);
  }

  clear(): void {
    this.#clock.clearTimeout(this.#timer);
  }
}
