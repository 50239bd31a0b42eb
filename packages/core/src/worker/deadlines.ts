import type { Clock, TimerHandle } from '../clock/clock.ts';

/** Something that has to happen by a time: `dueAt` on the monotonic clock, in milliseconds. */
export interface Due {
  dueAt: number;
}

/**
 * The deadlines of the few things that are under way, of any lengths, with one timer for the first. Setting one costs
 * a comparison and clearing one nothing, since all are looked through when the timer fires, which is seldom: a timer
 * each, or a sorted list, would cost more at every message.
 */
export class Deadlines<T extends Due> {
  readonly #clock: Clock;
  readonly #underWay: readonly T[];
  readonly #onDue: (item: T) => void;
  #timer: TimerHandle | undefined;
  #firesAt = Number.POSITIVE_INFINITY;

  /**
   * @param underWay a living list: what has left it is due no more
   * @param onDue takes the item off the list, or sets it a later deadline
   */
  constructor(clock: Clock, underWay: readonly T[], onDue: (item: T) => void) {
    this.#clock = clock;
    this.#underWay = underWay;
    this.#onDue = onDue;
  }

  set(item: T, dueAt: number): void {
    item.dueAt = dueAt;
    if (dueAt < this.#firesAt) this.#arm(dueAt);
  }

  /** Watches no longer. */
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
    for (const item of this.#underWay.filter(({ dueAt }) => dueAt <= now)) this.#onDue(item);
    let next = this.#firesAt;
    for (const { dueAt } of this.#underWay) next = Math.min(next, dueAt);
    if (next < this.#firesAt) this.#arm(next);
  }
}
