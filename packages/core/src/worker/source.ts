import type { Subscription } from '../broker/broker.ts';

/** A queue of a worker, with its weight in the fetched messages. */
export interface Source {
  readonly queue: string;
  readonly weight: number;
  readonly subscription: Subscription;
}
