import type { Broker, Subscription } from '../broker/broker.ts';
import type { Delivery } from '../broker/delivery.ts';
import type { Settlement } from '../broker/settlement.ts';
import type { Clock } from '../clock/clock.ts';
import type { BrokerCalls } from './broker-calls.ts';
import { forgettingState } from './forget-state.ts';
import type { HeldDelivery } from './held-delivery.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { PrioritySubscription } from './priority-subscription.ts';
import type { OnFetchError } from './queue-share.ts';
import { Settler } from './settler.ts';
import type { Source } from './source.ts';
import { TimedSubscription } from './timed-subscription.ts';

/**
 * A queue that a worker serves: its subscription, the leases held through it, and its settlements. Its lanes, if it has
 * priorities, are inside the subscription.
 */
export interface ServedQueue extends Source {
  readonly subscription: Subscription;
  readonly leases: LeaseKeeper;
  readonly settler: Settler<HeldDelivery>;
}

/** Is called with the broker's answers about the deliveries of a served queue. */
export interface ServedQueueListener {
  leaseLost(held: HeldDelivery): void;
  /** @param isLost the broker refused the settlement, because the lease had ended */
  settled(settlement: Settlement, isLost: boolean, held: HeldDelivery): void;
  settlementUnknown(settlement: Settlement, error: unknown, held: HeldDelivery): void;
  renewalFailed(queue: string, error: unknown): void;
}

export interface ServedQueueOptions {
  readonly broker: Broker;
  readonly queue: string;
  readonly weight: number;
  readonly leaseMs: number;
  readonly leaseThread: boolean;
  readonly prefetch: number;
  /** Whether the queue has three lanes: see `PrioritySubscription`. */
  readonly hasPriorities: boolean;
  readonly strict: boolean;
  readonly onFetchError: OnFetchError;
  readonly workerId: string;
  readonly clock: Clock;
  readonly listener: ServedQueueListener;
  readonly calls: BrokerCalls;
  /** Is called with the deliveries whose leases are renewed. */
  readonly onRenew: (deliveries: readonly Delivery[]) => void;
}

/** Subscribes to a queue. @throws what `Broker.subscribe` throws */
export async function openServedQueue(options: ServedQueueOptions): Promise<ServedQueue> {
  const { broker, queue, weight, leaseMs, leaseThread, prefetch, workerId, clock, listener, calls, onRenew } = options;
  const subscribing = { leaseMs, leaseThread, prefetch, workerId };
  const { strict, onFetchError: onError } = options;
  const opened = options.hasPriorities
    ? await PrioritySubscription.open(broker, queue, subscribing, { strict, clock, onError })
    : await broker.subscribe(queue, subscribing);
  const subscription = new TimedSubscription(queue, opened, calls);
  const leases = new LeaseKeeper({
    subscription,
    clock,
    leaseMs,
    onRenew,
    onLost: (held) => listener.leaseLost(held),
    onError: (error) => listener.renewalFailed(queue, error),
  });
  // `settle` is wrapped twice: `TimedSubscription` times the call, `forgettingState` removes state of messages that ended.
  const settler = new Settler<HeldDelivery>({
    subscription: forgettingState(broker, subscription),
    clock,
    leaseMs,
    onSettled: (settlement, isLost, held) => listener.settled(settlement, isLost, held),
    onUnknown: (settlement, error, held) => listener.settlementUnknown(settlement, error, held),
  });
  return { queue, weight, subscription, leases, settler, extra: 0, isPaused: false };
}
