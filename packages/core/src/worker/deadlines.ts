import type { Clock, TimerHandle } from '../clock/clock.ts';

/**
 * Many deadlines of one length with one timer: they fall due in the order they were set, so only the first needs
 * watching. Setting and clearing cost a set operation each, where a timer a task would cost ten times that.
 */
export class Deadlines<T> {
  readonly #clock: Clock;
  readonly #lengthMs: number;
  readonly #onDue: (item: T) => void;
  readonly #waiting = new Map<T, number>();
  #timer: TimerHandle | undefined;

  constructor(clock: Clock, lengthMs: number, onDue: (item: T) => void) {
    this.#clock = clock;
    this.#lengthMs = lengthMs;
    this.#onDue = onDue;
  }

  set(item: T): void {
    this.#waiting.set(item, this.#clock.monotonic() + this.#lengthMs);
    if (this.#timer === undefined) this.#arm(this.#lengthMs);
  }

  clear(item: T): void {
    this.#waiting.delete(item);
  }

  /** Forgets all of them and their timer. */
  close(): void {
    this.#waiting.clear();
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(delayMs: number): void {
    this.#timer = this.#clock.setTimeout(() => this.#fire(), delayMs);
  }

  #fire(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonic();
    for (const [item, dueAt] of this.#waiting) {
      if (dueAt > now) {
        this.#arm(dueAt - now);
        return;
      }
      this.#waiting.delete(item);
      this.#onDue(item);
    }
  }
}
