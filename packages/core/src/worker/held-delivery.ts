import type { Delivery } from '../broker/delivery.ts';
import type { SettledResult, Settlement } from '../broker/settlement.ts';
import type { Report } from './reporter.ts';

/** The parts of a lane that a held delivery uses. */
export interface HoldingLane {
  readonly subscription: { guard?(delivery: Delivery, until: number): void };
  readonly leases: { hold(held: HeldDelivery): void; drop(held: HeldDelivery): void };
  readonly settler: { add(settlement: Settlement, held: HeldDelivery): void };
}

/** A delivery that a worker holds, from its fetch until it is settled or lost. */
export class HeldDelivery {
  readonly lane: HoldingLane;
  readonly delivery: Delivery;
  /** Its report, once its settlement has been decided. It is made when the broker has answered. */
  report: Report | undefined;
  /** Result to store once the broker has accepted the settlement. */
  result: SettledResult | undefined;
  /** Its index in the leases of its lane; -1 if it is not held. */
  leasePlace = -1;

  constructor(lane: HoldingLane, delivery: Delivery) {
    this.lane = lane;
    this.delivery = delivery;
  }

  /** Whether its settlement waits for the broker's answer. */
  get isSettling(): boolean {
    return this.report !== undefined;
  }

  /** Whether this worker still holds it: it is neither settled nor lost. */
  get isOurs(): boolean {
    return this.leasePlace >= 0;
  }
}
