import type { Broker, Subscription } from '../../broker/broker.ts';
import { isSuspect } from '../../broker/suspect.ts';

/** Decorates a broker: its subscriptions have some methods of `change`. All parts are kept. */
export function subscribingOtherwise(
  broker: Broker,
  change: (subscription: Subscription) => Partial<Subscription>,
): Broker {
  return {
    ...broker,
    publish: (envelopes) => broker.publish(envelopes),
    subscribe: async (queue, options) => {
      const subscription = await broker.subscribe(queue, options);
      return {
        receive: (limit, how) => subscription.receive(limit, how),
        settle: (settlements) => subscription.settle(settlements),
        extend: (deliveries) => subscription.extend(deliveries),
        close: () => subscription.close(),
        ...change(subscription),
      };
    },
    close: () => broker.close(),
  };
}

/** Decorates a broker: `inHand` holds the ids of the suspects that its consumers hold. */
export function watchingSuspects(broker: Broker, inHand: Set<string>): Broker {
  return subscribingOtherwise(broker, (subscription) => ({
    receive: async (limit, how) => {
      const deliveries = await subscription.receive(limit, how);
      for (const { envelope, crashes } of deliveries) if (isSuspect({ crashes })) inHand.add(envelope.id);
      return deliveries;
    },
    settle: async (settlements) => {
      const lost = await subscription.settle(settlements);
      for (const { delivery } of settlements) inHand.delete(delivery.envelope.id);
      return lost;
    },
  }));
}
