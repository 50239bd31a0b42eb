import type { Subscription } from '../broker/broker.ts';
import type { Delivery } from '../broker/delivery.ts';
import type { Clock, TimerHandle } from '../clock/clock.ts';
import { failpoint } from '../failpoints/failpoint.ts';
import type { HeldDelivery } from './held-delivery.ts';

/** Most deliveries that are renewed in one call. */
const CHUNK = 500;

export interface LeaseKeeperOptions {
  readonly subscription: Subscription;
  readonly clock: Clock;
  readonly leaseMs: number;
  /** Is called with the deliveries of each renewal. */
  readonly onRenew: (deliveries: readonly Delivery[]) => void;
  /** The lease of a delivery has ended: another worker may hold the message by now. */
  readonly onLost: (held: HeldDelivery) => void;
  /** A renewal failed; the next one tries again. */
  readonly onError: (error: unknown) => void;
}

/** Renews the leases of all deliveries of one subscription, three times within a lease, 500 in each call. */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  /**
   * In no order: each delivery knows its index (`leasePlace`). Not a Set: a busy Set leaves old tables behind, and through
   * them the garbage collector keeps former members alive.
   */
  #held: HeldDelivery[] = [];
  #timer: TimerHandle | undefined;
  #closed = false;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#held.length;
  }

  get leaseMs(): number {
    return this.#options.leaseMs;
  }

  hold(held: HeldDelivery): void {
    held.leasePlace = this.#held.push(held) - 1;
    if (this.#timer === undefined && !this.#closed) this.#arm();
  }

  /** Ends the renewal of a delivery that was settled or lost. */
  drop(held: HeldDelivery): void {
    if (!held.isOurs) return;
    const last = this.#held.pop() as HeldDelivery;
    if (last !== held) {
      this.#held[held.leasePlace] = last;
      last.leasePlace = held.leasePlace;
    }
    held.leasePlace = -1;
  }

  close(): void {
    this.#closed = true;
    for (const held of this.#held) held.leasePlace = -1;
    this.#held = [];
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer = this.#options.clock.setTimeout(() => void this.#renew(), this.#options.leaseMs / 3);
  }

  async #renew(): Promise<void> {
    const all = [...this.#held];
    for (let from = 0; from < all.length; from += CHUNK) {
      await this.#extend(all.slice(from, from + CHUNK).filter(({ isOurs }) => isOurs));
    }
    if (this.#closed) return;
    if (this.#held.length > 0) this.#arm();
    else this.#timer = undefined;
  }

  async #extend(chunk: readonly HeldDelivery[]): Promise<void> {
    const { subscription, onRenew, onLost, onError } = this.#options;
    const deliveries = chunk.map(({ delivery }) => delivery);
    try {
      failpoint('heartbeat.before');
      onRenew(deliveries);
      const lost = new Set(await subscription.extend(deliveries));
      failpoint('heartbeat.after-send');
      for (const held of chunk) {
        if (!lost.has(held.delivery) || !held.isOurs) continue;
        this.drop(held);
        onLost(held);
      }
    } catch (error) {
      onError(error);
    }
  }
}
