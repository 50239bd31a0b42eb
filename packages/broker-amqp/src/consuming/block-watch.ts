/** Several turns within the limit, so that a late timer does not count as a block. */
const TURNS = 4;
const LONGEST_TURN_MS = 1_000;
/** Turns within a lease: a block that is short beside the lease cannot end it. */
const TURNS_OF_LEASE = 8;

/**
 * Notes when the event loop was blocked. If it was for long, the server may have closed the connection: it closes one that
 * sends no heartbeats.
 */
export class BlockWatch {
  readonly #limitMs: number;
  readonly #turnMs: number;
  readonly #timer: NodeJS.Timeout;
  #turnAt = performance.now();
  #blockedUntil = Number.NEGATIVE_INFINITY;
  #blockedMs = 0;

  /**
   * @param limitMs half of the silence after which the server closes a connection
   * @param leaseMs the shortest lease for which `unblockedNow` is used
   */
  constructor(limitMs: number, leaseMs: number) {
    this.#limitMs = limitMs;
    this.#turnMs = Math.min(LONGEST_TURN_MS, limitMs / TURNS, leaseMs / TURNS_OF_LEASE);
    this.#timer = setInterval(() => this.#onTurn(), this.#turnMs).unref();
  }

  /** Whether the loop is blocked until now, or was, and the end of its connection may not be noticed yet. */
  get wasBlocked(): boolean {
    this.#onTurn();
    return performance.now() - this.#blockedUntil < this.#limitMs;
  }

  /**
   * Milliseconds on a monotonic clock that stands still while the event loop is blocked. A blocked process renews nothing
   * and gives nothing back. As long as its connection lives, no other worker has its messages.
   */
  unblockedNow(): number {
    this.#onTurn();
    return this.#turnAt - this.#blockedMs;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #onTurn(): void {
    const now = performance.now();
    const lateMs = now - this.#turnAt - this.#turnMs;
    if (lateMs > this.#turnMs) this.#blockedMs += lateMs;
    if (lateMs > this.#limitMs) this.#blockedUntil = now;
    this.#turnAt = now;
  }
}
