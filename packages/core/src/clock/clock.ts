/** What a started timer answers; handed back to `clearTimeout`. */
export type TimerHandle = unknown;

/**
 * Where every part of Brokkr gets its time from, so that a test can move it by hand.
 * All values are milliseconds.
 */
export interface Clock {
  /** Epoch time, for what leaves the process. Jumps when the host's clock is set. */
  now(): number;
  /** Time since some fixed instant, for what is measured inside the process. Never jumps. */
  monotonic(): number;
  /** Calls `callback` once, `delayMs` from now; negative and fractional delays count as 0 and rounded up. */
  setTimeout(callback: () => void, delayMs: number): TimerHandle;
  clearTimeout(timer: TimerHandle): void;
}
