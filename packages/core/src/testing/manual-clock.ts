import type { Clock, TimerHandle } from '../clock/clock.ts';

interface Timer {
  readonly callback: () => void;
  readonly dueAt: number;
  readonly order: number;
}

/**
 * A clock that stands still until it is moved. Timers run in the order of their time, each with `now()` at its own
 * due time.
 */
export class ManualClock implements Clock {
  #now: number;
  #order = 0;
  readonly #timers = new Set<Timer>();

  /** @param startAt epoch milliseconds @default 2030-01-01T00:00:00Z */
  constructor(startAt: number = Date.UTC(2030, 0, 1)) {
    this.#now = startAt;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    const timer: Timer = { callback, dueAt: this.#now + Math.max(0, Math.ceil(delayMs)), order: this.#order++ };
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(timer: TimerHandle): void {
    this.#timers.delete(timer as Timer);
  }

  /** When the next timer is due, epoch milliseconds; `undefined` where none waits. */
  nextDueAt(): number | undefined {
    return this.#next()?.dueAt;
  }

  /**
   * Moves time on by `ms`, running each timer that falls due and letting what it started settle before the next.
   * Resolves once nothing more is due.
   */
  async advance(ms: number): Promise<void> {
    await this.advanceTo(this.#now + ms);
  }

  /** The same, to an instant; one in the past moves nothing. */
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

/** Turns of the event loop that chained promises and `setImmediate` hand-offs may take before anything is idle. */
const TURNS = 3;

async function settled(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
}
