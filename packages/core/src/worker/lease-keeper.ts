import type { Subscription } from '../broker/broker.ts';
import type { Delivery } from '../broker/delivery.ts';
import type { Clock, TimerHandle } from '../clock/clock.ts';
import { failpoint } from '../failpoints/failpoint.ts';

/** Deliveries renewed in one call. */
const CHUNK = 500;

export interface LeaseKeeperOptions {
  readonly subscription: Subscription;
  readonly clock: Clock;
  readonly leaseMs: number;
  /** A delivery that somebody else may hold by now. */
  readonly onLost: (delivery: Delivery) => void;
  /** A renewal that could not be asked for; the next one tries again. */
  readonly onError: (error: unknown) => void;
}

/** Renews the leases of everything one subscription holds, three times a lease, in as few calls as it can. */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #held = new Set<Delivery>();
  #timer: TimerHandle | undefined;
  #closed = false;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#held.size;
  }

  hold(delivery: Delivery): void {
    this.#held.add(delivery);
    if (this.#timer === undefined && !this.#closed) this.#arm();
  }

  /** Settled, or lost: not ours to renew any more. */
  drop(delivery: Delivery): void {
    this.#held.delete(delivery);
  }

  close(): void {
    this.#closed = true;
    this.#held.clear();
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer = this.#options.clock.setTimeout(() => void this.#renew(), this.#options.leaseMs / 3);
  }

  async #renew(): Promise<void> {
    const { subscription, onLost, onError } = this.#options;
    const held = [...this.#held];
    for (let from = 0; from < held.length; from += CHUNK) {
      try {
        failpoint('heartbeat.before');
        const lost = await subscription.extend(
          held.slice(from, from + CHUNK).filter((delivery) => this.#held.has(delivery)),
        );
        failpoint('heartbeat.after-send');
        for (const delivery of lost) {
          if (this.#held.delete(delivery)) onLost(delivery);
        }
      } catch (error) {
        onError(error);
      }
    }
    if (this.#closed) return;
    if (this.#held.size > 0) this.#arm();
    else this.#timer = undefined;
  }
}
