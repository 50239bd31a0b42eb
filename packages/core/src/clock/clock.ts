/** A timer that `Clock.setTimeout` returned. Its type is the clock's own: only pass it to `clearTimeout`. */
export type TimerHandle = unknown;

/** The source of time of every part of Brokkr. A test can replace it and move time by hand. All values are milliseconds. */
export interface Clock {
  /** Epoch time, for values that leave the process. It jumps when the clock of the host is set. */
  now(): number;
  /** Time since a fixed instant, for measuring inside the process. It never jumps. */
  monotonic(): number;
  /**
   * Calls `callback` once, `delayMs` from now.
   * @param delayMs of any length; a fraction is rounded up, and a negative number counts as 0
   */
  setTimeout(callback: () => void, delayMs: number): TimerHandle;
  clearTimeout(timer: TimerHandle): void;
}
