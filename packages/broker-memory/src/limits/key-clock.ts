/**
 * The clock of one key of a limit. It stands still during a stop, so that every time which was given to a waiting message
 * moves by as much. Times are in milliseconds.
 */
export class KeyClock {
  /** End of the last stop, on the monotonic clock. */
  #until = 0;
  /** For how long the clock has stood still by then. */
  #stopped = 0;

  /** The time of the key. */
  at(now: number): number {
    return Math.max(now, this.#until) - this.#stopped;
  }

  /** For how long the clock still stands still; 0 if it runs. */
  stoppedMs(now: number): number {
    return Math.max(0, this.#until - now);
  }

  /** How long it takes until the clock shows `at`. */
  msUntil(at: number, now: number): number {
    return at + this.#stopped - now;
  }

  stop(now: number, ms: number): void {
    const from = Math.max(now, this.#until);
    const until = Math.max(from, now + ms);
    this.#stopped += until - from;
    this.#until = until;
  }
}
