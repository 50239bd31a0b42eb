import type { Clock, TimerHandle } from '../clock/clock.ts';

/** An item with a deadline on the monotonic clock, in milliseconds. */
export interface HasDeadline {
  deadline: number;
}

/**
 * Deadlines of a few running items, with one timer for the earliest. To set one is a comparison, to clear one is free: all
 * items are checked when the timer fires, which is rare. A timer for each item, or a sorted list, would need more time
 * for every message.
 */
export class Deadlines<T extends HasDeadline> {
  readonly #clock: Clock;
  readonly #running: readonly T[];
  readonly #onOverdue: (item: T) => void;
  #timer: TimerHandle | undefined;
  #firesAt = Number.POSITIVE_INFINITY;

  /**
   * @param running a live list: the deadline of an item that left it does not count
   * @param onOverdue removes the item from the list, or gives it a later deadline
   */
  constructor(clock: Clock, running: readonly T[], onOverdue: (item: T) => void) {
    this.#clock = clock;
    this.#running = running;
    this.#onOverdue = onOverdue;
  }

  set(item: T, deadline: number): void {
    item.deadline = deadline;
    if (deadline < this.#firesAt) this.#arm(deadline);
  }

  /** Clears the timer. */
  close(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#firesAt = Number.POSITIVE_INFINITY;
  }

  #arm(deadline: number): void {
    this.#clock.clearTimeout(this.#timer);
    this.#firesAt = deadline;
    this.#timer = this.#clock.setTimeout(() => this.#fire(), deadline - this.#clock.monotonic());
  }

  #fire(): void {
    this.#timer = undefined;
    this.#firesAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.monotonic();
    for (const item of this.#running.filter(({ deadline }) => deadline <= now)) this.#onOverdue(item);
    let next = this.#firesAt;
    for (const { deadline } of this.#running) next = Math.min(next, deadline);
    if (next < this.#firesAt) this.#arm(next);
  }
}
