import { expect, it } from 'vitest';
import type { Subscription } from '../../src/broker/broker.ts';
import type { BrokerCalls } from '../../src/worker/broker-calls.ts';
import { TimedSubscription } from '../../src/worker/timed-subscription.ts';

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
  const timed: Subscription = new TimedSubscription('q', inner, calls);
  expect(await timed.mayHaveMessages?.(new AbortController().signal)).toBe(false);
  const delivery = { envelope: { id: 'a', queue: 'q', body: Buffer.from('[]'), headers: {} }, fence: 1, crashes: 0 };
  timed.guard?.(delivery, 7);
  expect(guarded).toEqual([true, delivery, 7]);
});

it('leaves them out if the subscription does', () => {
  const timed: Subscription = new TimedSubscription('q', required, calls);
  expect([timed.guard, timed.mayHaveMessages]).toEqual([undefined, undefined]);
});
