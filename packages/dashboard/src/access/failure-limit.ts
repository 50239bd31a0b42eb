const WINDOW_MS = 60_000;

/** Counts failed attempts of the last minute. */
export class FailureLimit {
  readonly #most: number;
  readonly #now: () => number;
  #failures: number[] = [];

  constructor(most: number, now: () => number = Date.now) {
    this.#most = most;
    this.#now = now;
  }

  /** How many seconds until another attempt is allowed; 0: now. */
  get waitSeconds(): number {
    const since = this.#now() - WINDOW_MS;
    this.#failures = this.#failures.filter((at) => at > since);
    const [first] = this.#failures;
    if (first === undefined || this.#failures.length < this.#most) return 0;
    return Math.max(1, Math.ceil((first - since) / 1_000));
  }

  failed(): void {
    this.#failures.push(this.#now());
  }
}
