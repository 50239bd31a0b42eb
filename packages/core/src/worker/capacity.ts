import type { ServedQueue } from './served-queue.ts';
import type { LimitGate } from './limit-gate.ts';
import type { ResultKeeper } from './result-keeper.ts';
import type { Slots } from './slots.ts';
import type { SuspectIsolation } from './suspect-isolation.ts';

export interface CapacityOptions {
  readonly concurrency: number;
  readonly results: Pick<ResultKeeper, 'pending'>;
  readonly servedQueues: readonly ServedQueue[];
  readonly slots: Pick<Slots, 'running' | 'inHand' | 'batching'>;
  readonly isolation: SuspectIsolation;
  /** Deliveries that ask for permits take slots as if they ran. */
  readonly gate: Pick<LimitGate, 'asking'>;
}

/** How many messages a worker may fetch now. */
export class Capacity {
  readonly #options: CapacityOptions;

  constructor(options: CapacityOptions) {
    this.#options = options;
  }

  /** Slots in which a message may start now. */
  freeSlots(): number {
    const { concurrency, slots, isolation, gate } = this.#options;
    if (this.#isBehind()) return 0;
    if (isolation.isWary) return this.isEmpty ? 1 : 0;
    const { running, batching } = slots;
    return Math.max(0, (batching === undefined ? concurrency - running : batching.freeSlots) - gate.asking);
  }

  /**
   * Sets how many messages of each queue may be fetched beyond the free slots, because they gather in batches.
   * @returns whether there are any
   */
  setExtras(): boolean {
    const { servedQueues, slots, isolation } = this.#options;
    const { batching } = slots;
    if (batching === undefined) return false;
    const isClosed = isolation.isWary || this.#isBehind();
    let room = 0;
    for (const served of servedQueues) {
      served.extra = isClosed || served.isPaused ? 0 : batching.roomOf(served);
      room += served.extra;
    }
    return room > 0;
  }

  /** Whether no delivery is held, and no handler runs, not even one whose lease was lost. */
  get isEmpty(): boolean {
    return this.#held() === 0 && this.#options.slots.running === 0;
  }

  /** Whether nothing may be fetched, because a suspect runs, or because broker or result store are behind. */
  #isBehind(): boolean {
    const { concurrency, slots, results, isolation } = this.#options;
    if (isolation.isClosed) return true;
    // A finished delivery stays held until the broker confirms its settlement. Two batches of them are normal: one on
    // its way, one waiting for the next call. If there are more, or as many results wait to be stored, the broker or the
    // store is behind: fetch nothing until it catches up.
    const most = concurrency * (slots.batching?.largest ?? 1);
    return this.#held() - slots.inHand + results.pending > 2 * most;
  }

  /** Number of deliveries that are neither settled nor lost. */
  #held(): number {
    let held = 0;
    for (const { leases } of this.#options.servedQueues) held += leases.size;
    return held;
  }
}
