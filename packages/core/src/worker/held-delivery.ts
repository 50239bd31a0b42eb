import type { Delivery } from '../broker/delivery.ts';
import { TASK_HEADER } from '../broker/headers.ts';
import type { SettledResult, Settlement } from '../broker/settlement.ts';
import type { RunProgress } from '../task/run-progress.ts';
import type { EndReport } from './delivery-report.ts';
import type { RunnableTask } from './runnable-task.ts';

/** The parts of a served queue that a held delivery uses. */
export interface HoldingQueue {
  readonly subscription: { guard?(delivery: Delivery, until: number): void };
  readonly leases: {
    hold(held: HeldDelivery): void;
    drop(held: HeldDelivery): void;
    confirm(held: HeldDelivery): Promise<void>;
  };
  readonly settler: { add(settlement: Settlement, held: HeldDelivery): void };
}

/** A delivery that a worker holds, from its fetch until it is settled or lost. */
export class HeldDelivery {
  readonly servedQueue: HoldingQueue;
  readonly delivery: Delivery;
  /** What to report about its end: set when its settlement is decided, reported once the broker has answered. */
  report: EndReport | undefined;
  /** Its task, if this process defines it. */
  task: RunnableTask | undefined;
  /** How long the message was due before its handler started, milliseconds; 0 if it did not run. */
  waitedMs = 0;
  /** Result to store once the broker has accepted the settlement. */
  result: SettledResult | undefined;
  /** Its index in the leases of its queue; -1 if it is not held. */
  leasePlace = -1;

  constructor(served: HoldingQueue, delivery: Delivery, task?: RunnableTask) {
    this.servedQueue = served;
    this.delivery = delivery;
    this.task = task;
  }

  /** Name of its task, or '' if it has none. */
  get taskName(): string {
    return this.delivery.envelope.headers[TASK_HEADER] ?? '';
  }

  /** Progress that its handler has reported, if one ran and did. */
  get progress(): RunProgress | undefined {
    return undefined;
  }

  /** Whether its handler has begun a step whose result is stored. */
  get usesSteps(): boolean {
    return false;
  }

  /** Whether its settlement is pending. */
  get isSettling(): boolean {
    return this.report !== undefined;
  }

  /** Whether this worker still holds it: it is neither settled nor lost. */
  get isOurs(): boolean {
    return this.leasePlace >= 0;
  }
}
