import { expect, it } from 'vitest';
import { MemoryBroker } from '../src/index.ts';

const LEASE_MS = 100;
const NOW = { signal: new AbortController().signal, wait: false };

/** A consumer that holds one message, in real time, after the event loop was blocked for three leases. */
async function blocked() {
  const broker = new MemoryBroker();
  await broker.publish([{ id: 'a', queue: 'q', body: Buffer.from('[]'), headers: {} }]);
  const subscription = await broker.subscribe('q', { leaseMs: LEASE_MS });
  const [delivery] = await subscription.receive(1, NOW);
  if (delivery === undefined) throw new Error('nothing was delivered');
  const until = performance.now() + 3 * LEASE_MS;
  while (performance.now() < until);
  return { broker, subscription, delivery };
}

it('accepts a settlement after a handler has blocked the event loop for longer than the lease', async () => {
  const { broker, subscription, delivery } = await blocked();
  expect(await subscription.settle([{ kind: 'ack', delivery }])).toEqual([]);
  expect(await broker.inspector.counts('q')).toMatchObject({ acknowledged: 1, running: 0 });
  await broker.close();
});

it('renews a lease after a block, and ends it if no worker does', async () => {
  const { broker, subscription, delivery } = await blocked();
  expect(await subscription.extend([delivery])).toEqual([]);
  const [again] = await subscription.receive(1, { signal: AbortSignal.timeout(10_000), wait: true });
  expect(again).toMatchObject({ crashes: 1, envelope: { id: 'a' } });
  expect(await subscription.settle([{ kind: 'ack', delivery }])).toEqual([delivery]);
  await broker.close();
});
