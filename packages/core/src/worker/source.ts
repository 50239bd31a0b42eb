import type { Subscription } from '../broker/broker.ts';

/** A queue a worker serves, and its share of what is taken. */
export interface Source {
  readonly queue: string;
  readonly weight: number;
  readonly subscription: Subscription;
}
