import { performance } from 'node:perf_hooks';
// From the module: tests that fake timers replace the global function, and the monitor measures real time.
import { clearInterval, setInterval } from 'node:timers';
import { LONGEST_TIMER_MS } from '../clock/longest-timer.ts';

/** Turns within the limit, so that a late timer does not count as a block. */
const TURNS = 4;
/** Share of the time that the loop must have been active. A process that was stopped, or a machine that slept, was not. */
const ACTIVE_SHARE = 0.5;

/**
 * Notices that the event loop was blocked for longer than a limit. It reports a block once, after it has ended: either at
 * `check`, which the caller runs right after code that may have blocked, or at the next turn of a timer.
 */
export class LoopMonitor<T> {
  readonly #limitMs: number;
  readonly #turnMs: number;
  readonly #onBlocked: (blockedMs: number, culprit: T | undefined) => void;
  #timer: NodeJS.Timeout | undefined;
  #turnAt = 0;
  #active = 0;

  /**
   * @param limitMs shorter blocks are not reported, milliseconds
   * @param onBlocked called with the length of a block, and with the argument of the `check` that noticed it
   */
  constructor(limitMs: number, onBlocked: (blockedMs: number, culprit: T | undefined) => void) {
    this.#limitMs = limitMs;
    this.#turnMs = limitMs / TURNS;
    this.#onBlocked = onBlocked;
  }

  start(): void {
    if (this.#timer !== undefined) return;
    this.#turn(performance.now());
    this.#timer = setInterval(() => this.#judge(undefined), Math.min(this.#turnMs, LONGEST_TIMER_MS)).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /**
   * Reports a block, if one has just ended.
   * @param now `performance.now()`, which the caller knows
   */
  check(culprit: T, now: number): void {
    if (now - this.#turnAt > this.#limitMs + this.#turnMs) this.#judge(culprit);
  }

  #judge(culprit: T | undefined): void {
    if (this.#timer === undefined) return;
    const now = performance.now();
    const elapsedMs = now - this.#turnAt;
    const activeMs = performance.eventLoopUtilization().active - this.#active;
    this.#turn(now);
    if (elapsedMs > this.#limitMs + this.#turnMs && activeMs > ACTIVE_SHARE * elapsedMs) {
      this.#onBlocked(elapsedMs, culprit);
    }
  }

  #turn(now: number): void {
    this.#turnAt = now;
    this.#active = performance.eventLoopUtilization().active;
  }
}
