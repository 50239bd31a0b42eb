import type { Subscription } from '../broker/broker.ts';

/** A queue that a worker serves, and its share of the slots. */
export interface Source {
  readonly queue: string;
  readonly weight: number;
  readonly subscription: Subscription;
  /** Set while the queue is paused, or the worker is quiet: no message is fetched from it. */
  isPaused: boolean;
}
