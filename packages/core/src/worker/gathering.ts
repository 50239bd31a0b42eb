import type { Delivery } from '../broker/delivery.ts';
import type { Message } from '../message/message.ts';
import type { HasDeadline } from './deadlines.ts';
import { HeldDelivery } from './held-delivery.ts';
import type { ServedQueue } from './served-queue.ts';
import type { RunnableTask } from './runnable-task.ts';

/** Messages of one queue and batch task, and of one key, that wait to run in one call. */
export class Gathering implements HasDeadline {
  readonly servedQueue: ServedQueue;
  readonly task: RunnableTask;
  readonly key: unknown;
  readonly size: number;
  readonly members: GatheredDelivery[] = [];
  /** When it runs although it is not full, on the monotonic clock. */
  deadline = Number.POSITIVE_INFINITY;

  /** @param size most messages of the call */
  constructor(served: ServedQueue, task: RunnableTask, key: unknown, size: number) {
    this.servedQueue = served;
    this.task = task;
    this.key = key;
    this.size = size;
  }

  get room(): number {
    return this.size - this.members.length;
  }
}

/** A delivery that waits for its batch, under a lease that is renewed. */
export class GatheredDelivery extends HeldDelivery {
  declare readonly servedQueue: ServedQueue;
  declare readonly task: RunnableTask;
  readonly message: Message;
  /** Deliveries are numbered in the order in which they came. */
  readonly place: number;

  constructor(served: ServedQueue, delivery: Delivery, message: Message, task: RunnableTask, place: number) {
    super(served, delivery, task);
    this.message = message;
    this.place = place;
  }
}
