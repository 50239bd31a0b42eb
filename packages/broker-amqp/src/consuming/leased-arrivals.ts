import { type Delivery, isSuspect } from '@brokkr/core/adapter';
import type { Message } from 'amqplib';
import type { SuspectGate } from './suspect-gate.ts';
import type { Run, RunDeadline } from '../heartbeat-thread/run-deadline.ts';
import type { Session } from '../connection/session.ts';

/** A message that the server has delivered and that is not acknowledged yet. */
export interface Arrival {
  readonly delivery: Delivery;
  readonly session: Session;
  /** The message as it arrived. Returned copies are made from it, whatever a handler did to its delivery. */
  readonly message: Message;
}

/** A delivered message that was received by a worker, until its lease ends. */
export interface LeasedArrival extends Arrival, Run {
  /** By the clock of `LeasedArrivals`, milliseconds. RabbitMQ has no leases: this process keeps them. */
  endsAt: number;
  /** Whether its replacement is in flight: then its lease cannot expire any more. */
  isSettling: boolean;
}

/** The deliveries that the consumers of one subscription hold under a lease. */
export class LeasedArrivals {
  readonly #held = new Map<Delivery, LeasedArrival>();
  readonly #leaseMs: number;
  readonly #gate: SuspectGate;
  readonly #now: () => number;
  readonly #runs: RunDeadline | undefined;

  /**
   * @param now a monotonic clock that does not count the time in which the event loop was blocked, milliseconds
   * @param runs notes how long the handlers of these deliveries may run
   */
  constructor(leaseMs: number, gate: SuspectGate, now: () => number, runs?: RunDeadline | undefined) {
    this.#leaseMs = leaseMs;
    this.#gate = gate;
    this.#now = now;
    this.#runs = runs;
  }

  get size(): number {
    return this.#held.size;
  }

  hold(arrivals: readonly Arrival[]): Delivery[] {
    const endsAt = this.#now() + this.#leaseMs;
    return arrivals.map(({ delivery, session, message }) => {
      this.#gate.hold();
      this.#held.set(delivery, { delivery, session, message, endsAt, isSettling: false, runsUntil: 0 });
      return delivery;
    });
  }

  /** Time by which `live` compares. */
  now(): number {
    return this.#now();
  }

  /** Undefined if its lease has expired by `now`, or was never given. */
  live(delivery: Delivery, now: number): LeasedArrival | undefined {
    const held = this.#held.get(delivery);
    if (held === undefined || !held.session.isOpen) return undefined;
    return held.isSettling || held.endsAt > now ? held : undefined;
  }

  /** The handler of a delivery starts. */
  started(delivery: Delivery, until: number): void {
    const held = this.#held.get(delivery);
    if (held !== undefined) this.#runs?.started(held, until);
  }

  /** Renews the leases of deliveries. @returns those that are held no longer */
  extend(deliveries: readonly Delivery[]): Delivery[] {
    const now = this.#now();
    return deliveries.filter((delivery) => {
      const held = this.live(delivery, now);
      if (held !== undefined) held.endsAt = now + this.#leaseMs;
      return held === undefined;
    });
  }

  drop({ delivery }: Arrival): void {
    const held = this.#held.get(delivery);
    if (held === undefined) return;
    this.#held.delete(delivery);
    this.#gate.drop();
    this.#runs?.ended(held, this.#held.values());
  }

  /** Removes and returns the deliveries whose lease has expired by now. */
  takeLapsed(): LeasedArrival[] {
    const now = this.#now();
    return this.#take(({ endsAt, isSettling }) => !isSettling && endsAt <= now);
  }

  /** Removes and returns the deliveries of a session that has ended. */
  takeOf(session: Session): LeasedArrival[] {
    return this.#take((held) => held.session === session);
  }

  /**
   * Removes and returns all deliveries whose replacement is not in flight: a copy of the others would be a second one.
   */
  takeAll(): LeasedArrival[] {
    return this.#take(({ isSettling }) => !isSettling);
  }

  #take(choose: (held: LeasedArrival) => boolean): LeasedArrival[] {
    if (this.#held.size === 0) return [];
    const taken = [...this.#held.values()].filter(choose);
    for (const held of taken) this.drop(held);
    return taken;
  }
}

/** A crash beside other messages may be caused by any of them: it can make a suspect, but not a dead letter. */
export function crashesBeside({ delivery }: Arrival): number {
  return isSuspect(delivery) ? 0 : 1;
}
