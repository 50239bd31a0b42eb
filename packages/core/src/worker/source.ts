import type { Subscription } from '../broker/broker.ts';

/** A queue that a `Fetcher` reads, with its weight in the fetched messages: a served queue, or a lane of one. */
export interface Source {
  readonly queue: string;
  readonly weight: number;
  readonly subscription: Subscription;
  /** Messages that may be fetched beyond the free slots, because they gather in batches. */
  extra: number;
  /** Set while the queue is paused, or the worker is quiet: no message is fetched from it. */
  isPaused: boolean;
}
