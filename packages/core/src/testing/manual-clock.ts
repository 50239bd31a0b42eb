// From the module: tests that fake timers replace the global function, and `advance` would hang.
import { setImmediate } from 'node:timers';
import type { Clock, TimerHandle } from '../clock/clock.ts';

interface Timer {
  readonly callback: () => void;
  readonly dueAt: number;
  readonly order: number;
}

/**
 * A clock that a test moves by hand. Timers run in the order in which they are due, and each sees its own due time as
 * `monotonic()`, fractions of a millisecond included: work that is repeated at a rate does not fall behind.
 *
 * @example
 * const clock = new ManualClock();
 * const broker = new MemoryBroker({ clock });
 * await clock.advance(60_000);
 */
export class ManualClock implements Clock {
  #now: number;
  #order = 0;
  readonly #timers = new Set<Timer>();

  /** @param startAt epoch milliseconds @default 2030-01-01T00:00:00Z */
  constructor(startAt: number = Date.UTC(2030, 0, 1)) {
    this.#now = startAt;
  }

  /** In whole milliseconds, as `Date.now()`. */
  now(): number {
    return Math.floor(this.#now);
  }

  monotonic(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    const timer: Timer = { callback, dueAt: this.#now + Math.max(0, delayMs), order: this.#order++ };
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(timer: TimerHandle): void {
    this.#timers.delete(timer as Timer);
  }

  /** When the next timer is due, epoch milliseconds; `undefined` if there is no timer. */
  nextDueAt(): number | undefined {
    return this.#next()?.dueAt;
  }

  /**
   * Moves time on by `ms`. Runs each timer that becomes due, and before the next timer lets the promises settle that it
   * started. Timers that are set during the call also run, if they are due by then.
   */
  async advance(ms: number): Promise<void> {
    await this.advanceTo(this.#now + ms);
  }

  /** Moves time on to `instant`, epoch milliseconds, as `advance` does. An instant in the past moves nothing. */
  async advanceTo(instant: number): Promise<void> {
    await settled();
    for (let timer = this.#next(); timer !== undefined && timer.dueAt <= instant; timer = this.#next()) {
      this.#now = Math.max(this.#now, timer.dueAt);
      this.#timers.delete(timer);
      timer.callback();
      await settled();
    }
    this.#now = Math.max(this.#now, instant);
  }

  #next(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (next === undefined || timer.dueAt < next.dueAt || (timer.dueAt === next.dueAt && timer.order < next.order)) {
        next = timer;
      }
    }
    return next;
  }
}

/** Turns of the event loop that chained promises and calls of `setImmediate` may take until nothing is left to run. */
const TURNS = 3;

async function settled(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
}
