import type { Subscription } from '../broker/broker.ts';
import type { Source } from './source.ts';
import type { HeldDelivery } from './held-delivery.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import type { Settler } from './settler.ts';

/** One queue as a worker serves it. */
export interface Lane extends Source {
  readonly subscription: Subscription;
  readonly leases: LeaseKeeper;
  readonly settler: Settler<HeldDelivery>;
}
