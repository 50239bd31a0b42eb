import type { Delivery } from '../broker/delivery.ts';
import type { SettledResult, Settlement } from '../broker/settlement.ts';
import type { RunProgress } from '../task/run-progress.ts';
import type { Report } from './reporter.ts';

/** What a held delivery needs of the lane it came by. */
export interface HoldingLane {
  readonly leases: { hold(held: HeldDelivery): void; drop(held: HeldDelivery): void };
  readonly settler: { add(settlement: Settlement, held: HeldDelivery): void };
}

/** A delivery that a worker holds, from its arrival until it is settled or lost. */
export class HeldDelivery {
  readonly lane: HoldingLane;
  readonly delivery: Delivery;
  /** The report of its end, once the broker has accepted the settlement. */
  report: Report | undefined;
  /** Result to store once the broker has accepted the settlement. */
  result: SettledResult | undefined;
  /** Index in its lane's list of leases; -1 if it is not held. */
  leasePlace = -1;

  constructor(lane: HoldingLane, delivery: Delivery) {
    this.lane = lane;
    this.delivery = delivery;
  }

  /** Progress that its handler has reported, if one ran and did. */
  get progress(): RunProgress | undefined {
    return undefined;
  }

  /** Whether its settlement is pending. */
  get isSettling(): boolean {
    return this.report !== undefined;
  }

  /** Whether it is ours still: neither settled nor lost. */
  get isOurs(): boolean {
    return this.leasePlace >= 0;
  }
}
