import type { Broker, Subscription } from '../broker/broker.ts';
import { FORGET_HEADER } from '../broker/headers.ts';
import type { StateStore } from '../broker/state-store.ts';
import type { Settlement } from '../broker/settlement.ts';

/**
 * How a subscription is settled where the broker cannot be asked whether a message has ended: before a message ends,
 * the state it names is forgotten, so that a scheduler that waits for its end learns of it. In that order: a crash in
 * between costs one overlap, and no tick.
 */
export function forgettingState(broker: Broker, subscription: Subscription): Pick<Subscription, 'settle'> {
  const { states, messages } = broker;
  if (states === undefined || messages !== undefined) return subscription;
  return {
    async settle(settlements) {
      const ending = settlements.flatMap((settlement) => named(settlement) ?? []);
      await Promise.all(ending.map(({ key, value }) => forget(states, key, value)));
      return subscription.settle(settlements);
    },
  };
}

function named({ kind, delivery }: Settlement): { readonly key: string; readonly value: string } | undefined {
  const header = delivery.envelope.headers[FORGET_HEADER];
  if (header === undefined || kind === 'retry' || kind === 'release') return undefined;
  const space = header.indexOf(' ');
  const key = header.slice(space + 1);
  // Whoever may send to this broker may not unpause a job.
  return key.startsWith('schedule:run:') ? { key, value: header.slice(0, space) } : undefined;
}

async function forget(store: StateStore, key: string, value: string): Promise<void> {
  // A later message may have written its own by now.
  if ((await store.get(key)) === value) await store.set(key, undefined);
}
