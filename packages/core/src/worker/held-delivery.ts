import type { Delivery } from '../broker/delivery.ts';
import type { SettledResult, Settlement } from '../broker/settlement.ts';
import type { Report } from './delivery-report.ts';
import type { RunnableTask } from './runnable-task.ts';

/** What a held delivery needs of the lane it came by. */
export interface HoldingLane {
  readonly leases: { hold(held: HeldDelivery): void; drop(held: HeldDelivery): void };
  readonly settler: { add(settlement: Settlement, held: HeldDelivery): void };
}

/** A delivery that a worker holds, from its hand-over until it is settled or lost. */
export class HeldDelivery {
  readonly lane: HoldingLane;
  readonly delivery: Delivery;
  /** What is to be told of it once the broker has taken its settlement. */
  report: Report | undefined;
  /** Its task, if this process defines it. */
  task: RunnableTask | undefined;
  /** How long the message was due before its handler started, milliseconds; 0 if it did not run. */
  waitedMs = 0;
  /** Result to store once the broker has accepted the settlement. */
  result: SettledResult | undefined;
  /** Where it stands in its lane's list of leases; -1 where it is not held. */
  leasePlace = -1;

  constructor(lane: HoldingLane, delivery: Delivery, task?: RunnableTask) {
    this.lane = lane;
    this.delivery = delivery;
    this.task = task;
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
