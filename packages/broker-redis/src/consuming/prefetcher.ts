import type { Delivery } from '@brokkr/core/adapter';
import type { Claimed } from './claim-channel.ts';

/** A batch is claimed ahead only if it would be used up within this time, at the rate of the last delivery. */
const WORTH_MS = 5;
/** Number of consecutive fast batches before messages are claimed ahead. */
const PROVEN = 10;
/** So many messages are worth a claim of their own, although a worker of batch tasks may hold several times as many. */
const ENOUGH = 100;
/** A batch that was held ahead for this long is released. */
const LONGEST_MS = 50;

export interface PrefetcherOptions {
  /** Most messages of one batch. */
  readonly most: number;
  /** Most batches that are held or being claimed. */
  readonly batches: number;
  readonly leaseMs: number;
  readonly claim: (limit: number) => Promise<Claimed>;
  readonly release: (deliveries: readonly Delivery[]) => Promise<unknown>;
}

/** The deliveries of one claim. */
interface Batch {
  readonly deliveries: readonly Delivery[];
  /** Time of the claim on the monotonic clock. */
  readonly askedAt: number;
  readonly arrivedAt: number;
}

/**
 * Claims the next batches of a consumer that is faster than a round trip, before the last one runs, so that worker and
 * server do not wait for each other. Slow handlers get no batch ahead. A batch with a message that crashed before is
 * released as soon as it arrives, and the script claims no suspect ahead: such a message must not be charged with the
 * crash of another one.
 */
export class Prefetcher {
  readonly #options: PrefetcherOptions;
  readonly #longestMs: number;
  /** Oldest first. */
  #held: Batch[] = [];
  readonly #underway = new Set<Promise<void>>();
  readonly #releasing = new Set<Promise<unknown>>();
  #lastAt = Number.NEGATIVE_INFINITY;
  #quick = 0;
  /** Messages of one batch: as many as the consumer asks for at most. */
  #size: number;
  #timer: NodeJS.Timeout | undefined;
  #signal: AbortSignal | undefined;
  #closed = false;

  constructor(options: PrefetcherOptions) {
    this.#options = options;
    this.#size = Math.min(options.most, ENOUGH);
    this.#longestMs = Math.min(LONGEST_MS, options.leaseMs / 3);
  }

  /** Whether a batch is held, or being claimed. */
  get holds(): boolean {
    return this.#held.length > 0 || this.#underway.size > 0;
  }

  /** Takes up to `limit` messages of one held batch. */
  async take(limit: number): Promise<readonly Delivery[]> {
    for (const first of this.#underway) {
      if (this.#held.length > 0) break;
      await first;
    }
    const oldest = this.#held.shift();
    if (oldest === undefined) return [];
    const { deliveries, arrivedAt } = oldest;
    if (performance.now() - arrivedAt > this.#longestMs || isLate(oldest, this.#options.leaseMs)) {
      this.#held.unshift(oldest);
      this.#release();
      return [];
    }
    if (deliveries.length <= limit) return deliveries;
    this.#held.unshift({ ...oldest, deliveries: deliveries.slice(limit) });
    return deliveries.slice(0, limit);
  }

  /**
   * Called at every delivery. Claims the next batches for a consumer that takes whole batches as fast as it can, if
   * none of `deliveries` has crashed before.
   */
  refill(deliveries: readonly Delivery[], limit: number, signal: AbortSignal): void {
    const { most, batches } = this.#options;
    this.#size = Math.max(this.#size, Math.min(most, limit));
    const now = performance.now();
    const eachMs = (now - this.#lastAt) / deliveries.length;
    this.#lastAt = now;
    const isWhole = deliveries.length === limit && 2 * limit >= this.#size;
    const isQuick = isWhole && this.#size * eachMs <= WORTH_MS && !deliveries.some(hasCrashed);
    this.#quick = isQuick ? this.#quick + 1 : 0;
    if (this.#quick < PROVEN || this.#closed || signal.aborted) return;
    while (this.#held.length + this.#underway.size < batches) {
      const underway = this.#claim(this.#size, signal).finally(() => this.#underway.delete(underway));
      this.#underway.add(underway);
    }
  }

  /** Resolves once no batch is held. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await Promise.all(this.#underway);
    this.#release();
    await Promise.all(this.#releasing);
  }

  async #claim(size: number, signal: AbortSignal): Promise<void> {
    try {
      const { deliveries, askedAt } = await this.#options.claim(size);
      if (deliveries.length > 0) this.#hold({ deliveries, askedAt, arrivedAt: performance.now() });
      if (this.#closed || signal.aborted) this.#releaseAll(1);
      else if (deliveries.some(hasCrashed)) this.#release();
      else this.#watch(signal);
    } catch {
      // `receive` repeats the claim with the same number.
    }
  }

  /** Keeps a batch, in the order in which the server delivered; after a reconnect the order may differ. */
  #hold(batch: Batch): void {
    this.#held.push(batch);
    this.#held.sort((one, other) => firstFence(one) - firstFence(other));
  }

  /** One timer for many batches: it checks whether the batches it finds are old. */
  #watch(signal: AbortSignal): void {
    if (signal !== this.#signal) {
      this.#signal = signal;
      signal.addEventListener('abort', () => this.#releaseAll(0), { once: true });
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const [oldest] = this.#held;
      if (oldest === undefined) return;
      if (performance.now() - oldest.arrivedAt >= this.#longestMs) this.#release();
      else this.#watch(signal);
    }, this.#longestMs);
  }

  /**
   * Releases the batches, unless another claim is in flight: the last one to arrive releases all of them, because the
   * last batch must be released first.
   * @param own claims of the caller that are still counted as in flight, 0 or 1
   */
  #releaseAll(own: number): void {
    if (this.#underway.size - own <= 0) this.#release();
  }

  #release(): void {
    if (this.#held.length === 0) return;
    const held = this.#held.flatMap(({ deliveries }) => deliveries);
    this.#held = [];
    this.#quick = 0;
    const releasing = this.#options
      .release(held)
      // They are delivered again when their leases expire.
      .catch(() => undefined)
      .finally(() => this.#releasing.delete(releasing));
    this.#releasing.add(releasing);
  }
}

/**
 * Whether a handler blocked this thread for so long that the leases are about to expire: then no message is started.
 */
export function isLate({ askedAt }: { readonly askedAt: number }, leaseMs: number): boolean {
  return performance.now() - askedAt > leaseMs / 2;
}

function firstFence({ deliveries }: Batch): number {
  return deliveries[0]?.fence ?? 0;
}

function hasCrashed({ crashes }: Delivery): boolean {
  return crashes > 0;
}
