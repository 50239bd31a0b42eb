// From the module: tests that fake timers replace the global function, and a late timer would never fire.
import { clearImmediate, setImmediate } from 'node:timers';
import type { Clock, TimerHandle } from './clock.ts';
import { LONGEST_TIMER_MS } from './longest-timer.ts';

/** A timer that fires so much later than asked has waited for a handler that blocked the event loop, milliseconds. */
export const LATE_MS = 50;

/** One wait. Node's timers end after 25 days, so a longer wait is divided. */
class SystemTimer {
  readonly #callback: () => void;
  readonly #dueAt: number;
  #node: NodeJS.Timeout;
  #soon: NodeJS.Immediate | undefined;

  constructor(callback: () => void, delayMs: number) {
    this.#callback = callback;
    // Node cuts off the fraction, and would fire early.
    const wholeMs = Math.ceil(delayMs);
    this.#dueAt = performance.now() + wholeMs;
    this.#node = this.#arm(wholeMs);
  }

  clear(): void {
    clearTimeout(this.#node);
    if (this.#soon !== undefined) clearImmediate(this.#soon);
  }

  #arm(leftMs: number): NodeJS.Timeout {
    if (leftMs <= LONGEST_TIMER_MS) return setTimeout(() => this.#fire(), leftMs);
    return setTimeout(() => {
      this.#node = this.#arm(leftMs - LONGEST_TIMER_MS);
    }, LONGEST_TIMER_MS);
  }

  /**
   * After a block, Node runs the timers that became due before it reads what the sockets received in that time: a call that
   * the server has answered would time out. So a late timer waits until they are read, in this turn of the event loop.
   */
  #fire(): void {
    if (performance.now() - this.#dueAt <= LATE_MS) this.#callback();
    else this.#soon = setImmediate(this.#callback);
  }
}

/** The clock of the host, with Node's timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (callback, delayMs) => new SystemTimer(callback, delayMs),
  clearTimeout(timer: TimerHandle) {
    (timer as SystemTimer | undefined)?.clear();
  },
};
