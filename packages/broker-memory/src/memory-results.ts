import type { Clock } from '@brokkr/core/adapter';
import { closedError } from './closed-error.ts';

interface Kept {
  readonly bytes: Uint8Array;
  readonly endsAt: number;
}

/** A call that waits for a result, and the broker on which it was made. */
interface Wait {
  readonly broker: object;
  readonly told: () => void;
  readonly fail: (error: Error) => void;
}

/** Expired results are removed once in this many stores, so that they do not accumulate. */
const SWEEP_EVERY = 1_024;

/** The results of all brokers on one server, as `ResultStore` specifies. */
export class MemoryResults {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();
  readonly #waiting = new Map<string, Set<Wait>>();
  #stored = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  store(id: string, result: Uint8Array, ttlMs: number, onlyIfNone = false): void {
    if (onlyIfNone && this.#get(id) !== undefined) return;
    this.#kept.set(id, { bytes: result.slice(), endsAt: this.#clock.monotonic() + ttlMs });
    if (++this.#stored % SWEEP_EVERY === 0) this.#sweep();
    for (const { told } of this.#waiting.get(id) ?? []) told();
  }

  async load(id: string, signal: AbortSignal, broker: object): Promise<Uint8Array | undefined> {
    const known = this.#get(id);
    if (known !== undefined || signal.aborted) return known;
    await this.#untilStored(id, signal, broker);
    return this.#get(id);
  }

  /** Rejects the waits of a broker that closes, because it is not notified of results any more. */
  leave(broker: object): void {
    for (const waiting of [...this.#waiting.values()]) {
      for (const wait of [...waiting]) if (wait.broker === broker) wait.fail(closedError());
    }
  }

  #get(id: string): Uint8Array | undefined {
    const kept = this.#kept.get(id);
    return kept === undefined || kept.endsAt <= this.#clock.monotonic() ? undefined : kept.bytes.slice();
  }

  #untilStored(id: string, signal: AbortSignal, broker: object): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(id, waiting);
      const done = () => {
        signal.removeEventListener('abort', told);
        waiting.delete(wait);
        if (waiting.size === 0) this.#waiting.delete(id);
      };
      const told = () => {
        done();
        resolve();
      };
      const fail = (error: Error) => {
        done();
        reject(error);
      };
      const wait: Wait = { broker, told, fail };
      waiting.add(wait);
      signal.addEventListener('abort', told);
    });
  }

  #sweep(): void {
    const now = this.#clock.monotonic();
    for (const [id, { endsAt }] of this.#kept) if (endsAt <= now) this.#kept.delete(id);
  }
}
