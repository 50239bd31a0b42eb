import type { Delivery, SettledResult, Settlement, Subscription } from '@brokkr/core/adapter';
import { closedError } from './closed-error.ts';
import type { LeaseTable } from './lease-table.ts';
import type { MemoryQueue } from './memory-queue.ts';

/** The broker of the subscription. It closes the subscription when it is closed itself. */
export interface SubscriptionOwner {
  readonly isBrokerClosed: () => boolean;
  readonly onClose: () => void;
  readonly storeResult: (id: string, result: SettledResult) => void;
}

export class MemorySubscription implements Subscription {
  readonly #queue: MemoryQueue;
  readonly #leases: LeaseTable;
  readonly #owner: SubscriptionOwner;
  readonly #closing = new AbortController();

  constructor(queue: MemoryQueue, leases: LeaseTable, owner: SubscriptionOwner) {
    this.#queue = queue;
    this.#leases = leases;
    this.#owner = owner;
  }

  async receive(
    limit: number,
    { signal, wait }: { readonly signal: AbortSignal; readonly wait: boolean },
  ): Promise<readonly Delivery[]> {
    for (;;) {
      if (signal.aborted || this.#closing.signal.aborted) return [];
      const deliveries = this.#queue.take(limit, this.#leases);
      if (deliveries.length > 0 || !wait) return deliveries;
      await this.#ring(signal);
    }
  }

  async settle(settlements: readonly Settlement[]): Promise<readonly Delivery[]> {
    this.#checkOpen();
    const lost: Delivery[] = [];
    for (const settlement of settlements) {
      if (!this.#queue.settle(settlement, this.#leases)) lost.push(settlement.delivery);
      else if ('result' in settlement && settlement.result !== undefined)
        this.#owner.storeResult(settlement.delivery.envelope.id, settlement.result);
    }
    this.#queue.ring();
    return lost;
  }

  async extend(deliveries: readonly Delivery[]): Promise<readonly Delivery[]> {
    this.#checkOpen();
    return deliveries.filter((delivery) => !this.#queue.extend(delivery, this.#leases));
  }

  /** The leases remain until they expire: messages that were received and not settled count as crashes. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#leases.retire();
    this.#owner.onClose();
  }

  /** Resolves once a message may be ready, or if waiting has become pointless. */
  #ring(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#queue.stopWaiting(done);
        signal.removeEventListener('abort', done);
        this.#closing.signal.removeEventListener('abort', done);
        resolve();
      };
      this.#queue.wait(done);
      signal.addEventListener('abort', done);
      this.#closing.signal.addEventListener('abort', done);
    });
  }

  #checkOpen(): void {
    if (this.#owner.isBrokerClosed()) throw closedError();
  }
}
