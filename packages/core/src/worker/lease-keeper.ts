import type { Subscription } from '../broker/broker.ts';
import type { Delivery } from '../broker/delivery.ts';
import type { Clock, TimerHandle } from '../clock/clock.ts';
import { failpoint } from '../failpoints/failpoint.ts';
import type { HeldDelivery } from './held-delivery.ts';

/** Most deliveries that are renewed in one call. */
const CHUNK = 500;
/** After this time without a renewal any lease is in doubt: RabbitMQ may close a connection before a long lease ends. */
const SURE_MS = 10_000;

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
  /** When the last renewal that succeeded began, or the first delivery was held (monotonic clock). */
  #renewedAt = Number.NEGATIVE_INFINITY;
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
    if (this.#timer !== undefined || this.#closed) return;
    this.#renewedAt = this.#options.clock.monotonic();
    this.#arm();
  }

  /**
   * Asks the broker whether a delivery is still held, if that is in doubt: no renewal has succeeded for half of a lease or
   * 10 s, because the process may have stood still, or the broker knows of a loss. Another worker may run the message then.
   * If its lease is lost, `onLost` is called.
   * @throws as `Subscription.extend`
   */
  async confirm(held: HeldDelivery): Promise<void> {
    const { clock, leaseMs, subscription } = this.#options;
    const sureUntil = this.#renewedAt + Math.min(leaseMs / 2, SURE_MS);
    const isInDoubt = clock.monotonic() > sureUntil || subscription.holds?.(held.delivery) === false;
    if (held.isOurs && isInDoubt) await this.#extend([held]);
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
    const { clock, onError } = this.#options;
    const startedAt = clock.monotonic();
    const all = [...this.#held];
    let hasFailed = false;
    for (let from = 0; from < all.length; from += CHUNK) {
      try {
        await this.#extend(all.slice(from, from + CHUNK).filter(({ isOurs }) => isOurs));
      } catch (error) {
        hasFailed = true;
        onError(error);
      }
    }
    if (!hasFailed) this.#renewedAt = startedAt;
    if (this.#closed) return;
    if (this.#held.length > 0) this.#arm();
    else this.#timer = undefined;
  }

  async #extend(chunk: readonly HeldDelivery[]): Promise<void> {
    const { subscription, onRenew, onLost } = this.#options;
    const deliveries = chunk.map(({ delivery }) => delivery);
    failpoint('heartbeat.before');
    onRenew(deliveries);
    const lost = new Set(await subscription.extend(deliveries));
    failpoint('heartbeat.after-send');
    for (const held of chunk) {
      if (!lost.has(held.delivery) || !held.isOurs) continue;
      this.drop(held);
      onLost(held);
    }
  }
}
