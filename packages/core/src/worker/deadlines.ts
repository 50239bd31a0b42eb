import type { Clock, TimerHandle } from '../clock/clock.ts';

/** An item with a deadline: `dueAt` on the monotonic clock, in milliseconds. */
export interface Due {
  dueAt: number;
}

/**
 * Deadlines of a few running items, with one timer for the earliest. To set one is a comparison, to clear one is free: all
 * items are checked when the timer fires, which is rare. A timer for each item, or a sorted list, would need more time
 * for every message.
 */
export class Deadlines<T extends Due> {
  readonly #clock: Clock;
  readonly #running: readonly T[];
  readonly #onDue: (item: T) => void;
  #timer: TimerHandle | undefined;
  #firesAt = Number.POSITIVE_INFINITY;

  /**
   * @param running a live list: an item that left it is not due any more
   * @param onDue removes the item from the list, or gives it a later deadline
   */
  constructor(clock: Clock, running: readonly T[], onDue: (item: T) => void) {
    this.#clock = clock;
    this.#running = running;
    this.#onDue = onDue;
  }

  set(item: T, dueAt: number): void {
    item.dueAt = dueAt;
    if (dueAt < this.#firesAt) this.#arm(dueAt);
  }

  /** Clears the timer. */
  close(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#firesAt = Number.POSITIVE_INFINITY;
  }

  #arm(dueAt: number): void {
    this.#clock.clearTimeout(this.#timer);
    this.#firesAt = dueAt;
    this.#timer = this.#clock.setTimeout(() => this.#fire(), dueAt - this.#clock.monotonic());
  }

  #fire(): void {
    this.#timer = undefined;
    this.#firesAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.monotonic();
    for (const item of this.#running.filter(({ dueAt }) => dueAt <= now)) this.#onDue(item);
    let next = this.#firesAt;
    for (const { dueAt } of this.#running) next = Math.min(next, dueAt);
    if (next < this.#firesAt) this.#arm(next);
  }
}
