import type { Delivery } from '../broker/delivery.ts';
import type { SettledResult, Settlement } from '../broker/settlement.ts';
import type { Report } from './reporter.ts';

/** What a held delivery needs of the lane it came by. */
export interface HoldingLane {
  readonly subscription: { guard?(delivery: Delivery, timeoutMs: number): void };
  readonly leases: { hold(held: HeldDelivery): void; drop(held: HeldDelivery): void };
  readonly settler: { add(settlement: Settlement, held: HeldDelivery): void };
}

/** A delivery that a worker holds, from its hand-over until it is settled or lost. */
export class HeldDelivery {
  readonly lane: HoldingLane;
  readonly delivery: Delivery;
  /** What is to be told of it once the broker has taken its settlement. */
  report: Report | undefined;
  /** Result to store once the broker has accepted the settlement. */
  result: SettledResult | undefined;
  /** Where it stands in its lane's list of leases; -1 where it is not held. */
  leasePlace = -1;

  constructor(lane: HoldingLane, delivery: Delivery) {
    this.lane = lane;
    this.delivery = delivery;
  }

  /** Whether its settlement is under way. */
  get isSettling(): boolean {
    return this.report !== undefined;
  }

  /** Whether it is ours still: neither settled nor lost. */
  get isOurs(): boolean {
    return this.leasePlace >= 0;
  }
}
