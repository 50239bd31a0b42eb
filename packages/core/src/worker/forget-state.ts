import type { Broker, Subscription } from '../broker/broker.ts';
import { FORGET_HEADER } from '../broker/headers.ts';
import type { StateStore } from '../broker/state-store.ts';
import type { Settlement } from '../broker/settlement.ts';

/**
 * A subscription that removes the state which a message names before it settles the end of the message. A scheduler that
 * waits for the end of the message learns of it this way, on brokers that have no `messages` part. The state is removed
 * first: a crash in between allows one overlap, but blocks no later tick.
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
  // Any program that may send could name a state: only those of running jobs may be removed.
  return key.startsWith('schedule:run:') ? { key, value: header.slice(0, space) } : undefined;
}

async function forget(store: StateStore, key: string, value: string): Promise<void> {
  // A later message may have written its own value by now.
  if ((await store.get(key)) === value) await store.set(key, undefined);
}
