import { expect, it } from 'vitest';
import type { Subscription } from '../../src/broker/broker.ts';
import type { BrokerCalls } from '../../src/worker/broker-calls.ts';
import { WatchedSubscription } from '../../src/worker/watched-subscription.ts';

const calls = { isOn: false, receivesOf: () => ({ closed: () => undefined }) } as unknown as BrokerCalls;
const required: Subscription = {
  receive: async () => [],
  settle: async () => [],
  extend: async () => [],
  close: async () => undefined,
};

it('has the optional methods of a subscription that has them', async () => {
  const guarded: unknown[] = [];
  const inner: Subscription = {
    ...required,
    mayHaveMessages: async () => false,
    guard(...given) {
      guarded.push(this === inner, ...given);
    },
  };
  const watched: Subscription = new WatchedSubscription('q', inner, calls);
  expect(await watched.mayHaveMessages?.(new AbortController().signal)).toBe(false);
  const delivery = { envelope: { id: 'a', queue: 'q', body: Buffer.from('[]'), headers: {} }, fence: 1, crashes: 0 };
  watched.guard?.(delivery, 7);
  expect(guarded).toEqual([true, delivery, 7]);
});

it('leaves them out if the subscription does', () => {
  const watched: Subscription = new WatchedSubscription('q', required, calls);
  expect([watched.guard, watched.mayHaveMessages]).toEqual([undefined, undefined]);
});
