import type { Delivery } from '@brokkr/core/adapter';
import type { Message } from 'amqplib';
import type { SuspectIsolation } from './suspect-isolation.ts';
import type { Session } from '../connection/session.ts';

/** A message that the server has delivered and that is not acknowledged yet. */
export interface Arrival {
  readonly delivery: Delivery;
  readonly session: Session;
  /** The message as it arrived. Returned copies are made from it, whatever a handler did to its delivery. */
  readonly message: Message;
}

/** An arrival that was received, until its lease ends. */
export interface HeldDelivery extends Arrival {
  /** End of its lease on the monotonic clock, in milliseconds. RabbitMQ has no leases: this process keeps them. */
  endsAt: number;
  /** Whether its replacement is in flight: then its lease cannot expire any more. */
  isSettling: boolean;
}

/** The deliveries that the consumers of one subscription hold under a lease. */
export class HeldDeliveries {
  readonly #held = new Map<Delivery, HeldDelivery>();
  readonly #leaseMs: number;
  readonly #isolation: SuspectIsolation;

  constructor(leaseMs: number, isolation: SuspectIsolation) {
    this.#leaseMs = leaseMs;
    this.#isolation = isolation;
  }

  get size(): number {
    return this.#held.size;
  }

  hold(arrivals: readonly Arrival[]): Delivery[] {
    const endsAt = performance.now() + this.#leaseMs;
    return arrivals.map(({ delivery, session, message }) => {
      this.#isolation.enter();
      this.#held.set(delivery, { delivery, session, message, endsAt, isSettling: false });
      return delivery;
    });
  }

  /** Returns a held delivery; undefined if its lease has ended by `now`, or was never granted. */
  live(delivery: Delivery, now: number): HeldDelivery | undefined {
    const held = this.#held.get(delivery);
    if (held === undefined || !held.session.isOpen) return undefined;
    return held.isSettling || held.endsAt > now ? held : undefined;
  }

  renew(held: HeldDelivery): void {
    held.endsAt = performance.now() + this.#leaseMs;
  }

  drop({ delivery }: Arrival): void {
    if (this.#held.delete(delivery)) this.#isolation.leave();
  }

  /** Removes and returns the deliveries whose lease has expired by now. */
  takeLapsed(): HeldDelivery[] {
    const now = performance.now();
    return this.#take(({ endsAt, isSettling }) => !isSettling && endsAt <= now);
  }

  /** Removes and returns the deliveries of a session that has ended. */
  takeOf(session: Session): HeldDelivery[] {
    return this.#take((held) => held.session === session);
  }

  /**
   * Removes and returns all deliveries whose replacement is not in flight: a copy of the others would be a second one.
   */
  takeAll(): HeldDelivery[] {
    return this.#take(({ isSettling }) => !isSettling);
  }

  #take(choose: (held: HeldDelivery) => boolean): HeldDelivery[] {
    if (this.#held.size === 0) return [];
    const taken = [...this.#held.values()].filter(choose);
    for (const held of taken) this.drop(held);
    return taken;
  }
}
