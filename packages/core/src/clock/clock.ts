/** What a started timer answers; handed back to `clearTimeout`. */
export type TimerHandle = unknown;

/**
 * Where every part of Brokkr gets its time from, so that a test can move it by hand.
 * All values are milliseconds; `now` is epoch time.
 */
export interface Clock {
  now(): number;
  /** Calls `callback` once, `delayMs` from now; negative and fractional delays count as 0 and rounded up. */
  setTimeout(callback: () => void, delayMs: number): TimerHandle;
  clearTimeout(timer: TimerHandle): void;
}
