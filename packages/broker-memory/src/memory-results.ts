import type { Clock, ResultStore } from '@brokkr/core';

interface Kept {
  readonly bytes: Uint8Array;
  readonly endsAt: number;
}

/** Results that ran out are looked for once in so many that are stored: often enough not to pile up. */
const SWEEP_EVERY = 1_024;

export class MemoryResults implements ResultStore {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();
  readonly #waiting = new Map<string, Set<() => void>>();
  #stored = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async storeResult(id: string, result: Uint8Array, ttlMs: number): Promise<void> {
    this.#kept.set(id, { bytes: result.slice(), endsAt: this.#clock.monotonic() + ttlMs });
    if (++this.#stored % SWEEP_EVERY === 0) this.#sweep();
    for (const told of this.#waiting.get(id) ?? []) told();
  }

  async loadResult(id: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const known = this.#get(id);
    if (known !== undefined || signal.aborted) return known;
    await this.#untilStored(id, signal);
    return this.#get(id);
  }

  /** Ends every wait. */
  close(): void {
    for (const waiting of [...this.#waiting.values()]) for (const told of [...waiting]) told();
  }

  #get(id: string): Uint8Array | undefined {
    const kept = this.#kept.get(id);
    return kept === undefined || kept.endsAt <= this.#clock.monotonic() ? undefined : kept.bytes.slice();
  }

  #untilStored(id: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(id, waiting);
      const told = () => {
        signal.removeEventListener('abort', told);
        waiting.delete(told);
        if (waiting.size === 0) this.#waiting.delete(id);
        resolve();
      };
      waiting.add(told);
      signal.addEventListener('abort', told);
    });
  }

  #sweep(): void {
    const now = this.#clock.monotonic();
    for (const [id, { endsAt }] of this.#kept) if (endsAt <= now) this.#kept.delete(id);
  }
}
