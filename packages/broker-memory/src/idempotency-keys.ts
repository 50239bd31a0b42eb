import type { Clock } from '@brokkr/core/adapter';

/** Keys that are known, and the message each belongs to. All live equally long, so the oldest come first. */
export class IdempotencyKeys {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #known = new Map<string, { readonly id: string; readonly endsAt: number }>();

  constructor(clock: Clock, ttlMs: number) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
  }

  /** The id that holds `key`: an earlier message's, or now `id` itself. */
  claim(key: string, id: string): string {
    const now = this.#clock.monotonic();
    for (const [oldest, { endsAt }] of this.#known) {
      if (endsAt > now) break;
      this.#known.delete(oldest);
    }
    const known = this.#known.get(key);
    if (known !== undefined) return known.id;
    this.#known.set(key, { id, endsAt: now + this.#ttlMs });
    return id;
  }
}
