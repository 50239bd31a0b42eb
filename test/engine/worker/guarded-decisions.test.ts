import { firstMessages } from '@brokkr/core/adapter';
import type { RetryPolicy } from '@brokkr/core';
import type { Delivery } from '@brokkr/core/adapter';
import { expect, it } from 'vitest';
import { aSecondOfWork, workerBench } from './worker-bench.ts';

it('a message that cannot be read becomes a dead letter, and the worker goes on', async () => {
  let isFirst = true;
  const { tm, clock, broker } = await workerBench((memory) => {
    const subscribe = memory.subscribe.bind(memory);
    memory.subscribe = async (...given) => {
      const subscription = await subscribe(...given);
      const receive = subscription.receive.bind(subscription);
      subscription.receive = async (...how) => {
        const deliveries = await receive(...how);
        if (!isFirst || deliveries.length === 0) return deliveries;
        isFirst = false;
        return deliveries.map(unreadable);
      };
      return subscription;
    };
    return memory;
  });
  const ran: string[] = [];
  const task = tm.task({ name: 'ran' }, async (name: string) => void ran.push(name));
  await tm.createWorker().start();
  await task.send('unreadable');
  await aSecondOfWork(clock);
  await task.send('next');
  await aSecondOfWork(clock);
  expect(ran).toEqual(['next']);
  expect(await broker.inspector.counts('default')).toMatchObject({ dead: 1, acknowledged: 1, running: 0 });
  const [letter] = await firstMessages(broker.inspector, 'default', 'dead', 1);
  expect(letter?.headers['brokkr-reason']).toMatch(/^malformed: TypeError/);
  await tm.close();
});

/** A delivery of a broker with a fault: one of its headers throws. */
function unreadable({ envelope, fence, crashes }: Delivery): Delivery {
  const headers = Object.defineProperty({}, 'brokkr-v', {
    enumerable: true,
    get() {
      throw new TypeError('no such header');
    },
  });
  return { envelope: { ...envelope, headers }, fence, crashes };
}

it.each([
  ['a wait that is not a duration', () => 'soon'],
  ['an error', () => Object.freeze({ get: 1 }) as never],
  [
    'an exception',
    () => {
      throw new Error('policy');
    },
  ],
])('a retry policy that returns %s leaves no message held', async (_, next) => {
  const { tm, clock, broker } = await workerBench();
  const retry = { next } as RetryPolicy;
  const task = tm.task({ name: 'failing', retry, maxRetries: 1 }, async () => {
    throw new Error('failed');
  });
  await task.send();
  await tm.createWorker().start();
  await clock.advance(120_000);
  expect(await broker.inspector.counts('default')).toMatchObject({ dead: 1, running: 0 });
  await tm.close();
});
