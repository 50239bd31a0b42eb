/** Several turns within the limit, so that a late timer does not count as a block. */
const TURNS = 4;
const LONGEST_TURN_MS = 1_000;

/**
 * Notes whether the event loop was blocked for so long that the server may have closed the connection: it closes
 * connections without heartbeats.
 */
export class BlockWatch {
  readonly #limitMs: number;
  readonly #turnMs: number;
  readonly #timer: NodeJS.Timeout;
  #turnAt = performance.now();
  #blockedUntil = Number.NEGATIVE_INFINITY;

  /** @param limitMs half of the silence after which the server closes a connection */
  constructor(limitMs: number) {
    this.#limitMs = limitMs;
    this.#turnMs = Math.min(LONGEST_TURN_MS, limitMs / TURNS);
    this.#timer = setInterval(() => this.#onTurn(), this.#turnMs).unref();
  }

  /** Whether the loop is blocked until now, or was, and the end of its connection may not be noticed yet. */
  get wasBlocked(): boolean {
    this.#onTurn();
    return performance.now() - this.#blockedUntil < this.#limitMs;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #onTurn(): void {
    const now = performance.now();
    if (now - this.#turnAt > this.#limitMs + this.#turnMs) this.#blockedUntil = now;
    this.#turnAt = now;
  }
}
