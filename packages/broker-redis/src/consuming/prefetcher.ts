import type { Delivery } from '@brokkr/core/adapter';
import type { Claimed } from './claim-channel.ts';

/** A batch ahead has to be used up within this time at the rate of the last hand-over. */
const WORTH_MS = 5;
/** A consumer has to have been so quick for this many hand-overs in a row. */
const PROVEN = 10;
/** What was held ahead for so long after all is given back. */
const LONGEST_MS = 50;

export interface PrefetcherOptions {
  /** Messages of one batch. */
  readonly most: number;
  /** Batches that may be held or under way. */
  readonly batches: number;
  readonly leaseMs: number;
  readonly claim: (limit: number) => Promise<Claimed>;
  readonly giveBack: (deliveries: readonly Delivery[]) => Promise<unknown>;
}

/** What came with one claim. */
interface Batch {
  readonly deliveries: readonly Delivery[];
  /** On the monotonic clock. */
  readonly askedAt: number;
  readonly arrivedAt: number;
}

/**
 * The next batches of a consumer that is quicker than a round trip: claimed before the last one runs, so that worker and
 * server do not take turns. Slow handlers never have one, and neither has what crashed before: it shall be charged
 * for nobody else's crash.
 */
export class Prefetcher {
  readonly #options: PrefetcherOptions;
  readonly #longestMs: number;
  /** The oldest first. */
  #held: Batch[] = [];
  readonly #underway = new Set<Promise<void>>();
  readonly #returning = new Set<Promise<unknown>>();
  #lastAt = Number.NEGATIVE_INFINITY;
  #quick = 0;
  #timer: NodeJS.Timeout | undefined;
  #signal: AbortSignal | undefined;
  #closed = false;

  constructor(options: PrefetcherOptions) {
    this.#options = options;
    this.#longestMs = Math.min(LONGEST_MS, options.leaseMs / 3);
  }

  /** Whether a batch is held, or claimed at this moment. */
  get holds(): boolean {
    return this.#held.length > 0 || this.#underway.size > 0;
  }

  /** Up to `limit` of what is held, of one batch. */
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
      this.#return();
      return [];
    }
    if (deliveries.length <= limit) return deliveries;
    this.#held.unshift({ ...oldest, deliveries: deliveries.slice(limit) });
    return deliveries.slice(0, limit);
  }

  /**
   * Told of every hand-over: claims the next batches for a consumer that takes whole ones as fast as it can, where none
   * of `deliveries` has crashed before.
   */
  refill(deliveries: readonly Delivery[], limit: number, signal: AbortSignal): void {
    const { most, batches } = this.#options;
    const now = performance.now();
    const eachMs = (now - this.#lastAt) / deliveries.length;
    this.#lastAt = now;
    const isWhole = deliveries.length === limit && 2 * limit >= most;
    const isQuick = isWhole && most * eachMs <= WORTH_MS && !deliveries.some(hasCrashed);
    this.#quick = isQuick ? this.#quick + 1 : 0;
    if (this.#quick < PROVEN || this.#closed || signal.aborted) return;
    while (this.#held.length + this.#underway.size < batches) {
      const underway = this.#claim(most, signal).finally(() => this.#underway.delete(underway));
      this.#underway.add(underway);
    }
  }

  /** Resolves once nothing is held any more. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await Promise.all(this.#underway);
    this.#return();
    await Promise.all(this.#returning);
  }

  async #claim(size: number, signal: AbortSignal): Promise<void> {
    try {
      const { deliveries, askedAt } = await this.#options.claim(size);
      if (deliveries.length > 0) this.#hold({ deliveries, askedAt, arrivedAt: performance.now() });
      if (this.#closed || signal.aborted) this.#returnAll(1);
      else if (deliveries.some(hasCrashed)) this.#return();
      else this.#watch(signal);
    } catch {
      // `receive` asks again, by the same number.
    }
  }

  /** In the order in which the server handed them over; after a break they may come in another. */
  #hold(batch: Batch): void {
    this.#held.push(batch);
    this.#held.sort((one, other) => firstFence(one) - firstFence(other));
  }

  /** One timer for many batches: it looks whether what it finds is old. */
  #watch(signal: AbortSignal): void {
    if (signal !== this.#signal) {
      this.#signal = signal;
      signal.addEventListener('abort', () => this.#returnAll(0), { once: true });
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const [oldest] = this.#held;
      if (oldest === undefined) return;
      if (performance.now() - oldest.arrivedAt >= this.#longestMs) this.#return();
      else this.#watch(signal);
    }, this.#longestMs);
  }

  /** Once nothing is under way but `itself` (0 or 1): what comes last has to go back first. */
  #returnAll(itself: number): void {
    if (this.#underway.size <= itself) this.#return();
  }

  #return(): void {
    if (this.#held.length === 0) return;
    const held = this.#held.flatMap(({ deliveries }) => deliveries);
    this.#held = [];
    this.#quick = 0;
    const returning = this.#options
      .giveBack(held)
      // They come back by their leases.
      .catch(() => undefined)
      .finally(() => this.#returning.delete(returning));
    this.#returning.add(returning);
  }
}

/** A handler may have blocked this thread for so long that the leases are about to run out: nothing is started then. */
export function isLate({ askedAt }: { readonly askedAt: number }, leaseMs: number): boolean {
  return performance.now() - askedAt > leaseMs / 2;
}

function firstFence({ deliveries }: Batch): number {
  return deliveries[0]?.fence ?? 0;
}

function hasCrashed({ crashes }: Delivery): boolean {
  return crashes > 0;
}
