import type { Clock, Envelope } from '@brokkr/core/adapter';

interface Known {
  readonly id: string;
  readonly queue: string;
  /** Time on the monotonic clock, in milliseconds. */
  readonly endsAt: number;
}

/**
 * Expired keys are removed after this many additions, or after as many as were left at the last removal if that is
 * more.
 */
const SWEEP_AFTER = 1_000;

/** Remembers which message an idempotency key belongs to, each key for its own time. */
export class IdempotencyKeys {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #known = new Map<string, Known>();
  #sweepAt = SWEEP_AFTER;

  /** @param ttlMs how long a key is remembered, in milliseconds, if its message does not set it */
  constructor(clock: Clock, ttlMs: number) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
  }

  /** Takes `key` for a message. @returns the message that holds it already, or `undefined` if it was free */
  take(
    key: string,
    { id, queue, idempotencyTtlMs: ttlMs = this.#ttlMs }: Envelope,
  ): Pick<Known, 'id' | 'queue'> | undefined {
    const now = this.#clock.monotonic();
    const known = this.#known.get(key);
    if (known !== undefined && known.endsAt > now) return known;
    this.#known.set(key, { id, queue, endsAt: now + ttlMs });
    if (this.#known.size >= this.#sweepAt) this.#sweep(now);
    return undefined;
  }

  /** Frees the key of a message that was cancelled, discarded, purged or expired, if it still belongs to that message. */
  free(key: string | undefined, id: string): void {
    if (key !== undefined && this.#known.get(key)?.id === id) this.#known.delete(key);
  }

  #sweep(now: number): void {
    for (const [key, { endsAt }] of this.#known) if (endsAt <= now) this.#known.delete(key);
    this.#sweepAt = 2 * Math.max(SWEEP_AFTER, this.#known.size);
  }
}
