import type { Delivery } from '@brokkr/core';
import type { Message } from 'amqplib';
import type { Floor } from './floor.ts';
import type { Session } from './session.ts';

/** A message that the server has handed over and nobody has acknowledged yet. */
export interface Arrival {
  readonly delivery: Delivery;
  readonly session: Session;
  /** As it came: what is given back is made from it, whatever a handler did to its delivery. */
  readonly message: Message;
}

/** One that was received, until its lease ends. */
export interface Held extends Arrival {
  /** By the monotonic clock, milliseconds. RabbitMQ has no leases: this process keeps them. */
  endsAt: number;
  /** Its replacement is on its way: its lease can no longer run out. */
  isSettling: boolean;
}

/** What the consumers of one subscription hold under a lease. */
export class HeldDeliveries {
  readonly #held = new Map<Delivery, Held>();
  readonly #leaseMs: number;
  readonly #floor: Floor;

  constructor(leaseMs: number, floor: Floor) {
    this.#leaseMs = leaseMs;
    this.#floor = floor;
  }

  hold(arrivals: readonly Arrival[]): Delivery[] {
    const endsAt = performance.now() + this.#leaseMs;
    return arrivals.map(({ delivery, session, message }) => {
      this.#floor.enter();
      this.#held.set(delivery, { delivery, session, message, endsAt, isSettling: false });
      return delivery;
    });
  }

  /** Undefined where its lease is over by `now`, or was never given. */
  live(delivery: Delivery, now: number): Held | undefined {
    const held = this.#held.get(delivery);
    if (held === undefined || !held.session.isOpen) return undefined;
    return held.isSettling || held.endsAt > now ? held : undefined;
  }

  renew(held: Held): void {
    held.endsAt = performance.now() + this.#leaseMs;
  }

  drop({ delivery }: Arrival): void {
    if (this.#held.delete(delivery)) this.#floor.leave();
  }

  /** Takes out those whose lease has run out by now. */
  takeLapsed(): Held[] {
    const now = performance.now();
    return this.#take(({ endsAt, isSettling }) => !isSettling && endsAt <= now);
  }

  /** Takes out those of a session that is over. */
  takeOf(session: Session): Held[] {
    return this.#take((held) => held.session === session);
  }

  /** Takes out all but those whose replacement is on its way: a copy of these too would be a second one. */
  takeAll(): Held[] {
    return this.#take(({ isSettling }) => !isSettling);
  }

  #take(choose: (held: Held) => boolean): Held[] {
    const taken = [...this.#held.values()].filter(choose);
    for (const held of taken) this.drop(held);
    return taken;
  }
}
