import { expect } from 'vitest';
import type { RedisBroker } from '../src/index.ts';

const LEASE_MS = 3_000;

/**
 * Blocks the event loop for two leases, and demands that a thread has renewed one delivery of each queue, and a slot of two
 * limits for each.
 */
export async function expectKeptWhileBlocked(broker: RedisBroker, queues: readonly string[]): Promise<void> {
  await broker.publish(queues.map((queue) => ({ id: `b-${queue}`, queue, body: Buffer.from('[]'), headers: {} })));
  const held = await Promise.all(
    queues.map(async (queue) => {
      const subscription = await broker.subscribe(queue, { leaseMs: LEASE_MS, leaseThread: true });
      const deliveries = await subscription.receive(1, { signal: AbortSignal.timeout(10_000), wait: true });
      return { subscription, deliveries };
    }),
  );
  const requests = queues.map((key) => {
    const demands = ['one', 'two'].map((limit) => ({ limit, key, rule: { kind: 'concurrency', slots: 1 } as const }));
    return { token: `t-${key}`, queue: key, id: key, demands };
  });
  await broker.limits.acquire(requests, { leaseMs: LEASE_MS, promotes: false });
  const until = performance.now() + 2 * LEASE_MS;
  for (const request of requests) broker.limits.guard?.(request, { until: until + LEASE_MS, leaseMs: LEASE_MS });
  for (const { subscription, deliveries } of held) {
    expect(deliveries).toHaveLength(1);
    for (const delivery of deliveries) subscription.guard?.(delivery, until + LEASE_MS);
  }
  while (performance.now() < until);
  for (const { subscription, deliveries } of held) {
    expect(await subscription.settle(deliveries.map((delivery) => ({ kind: 'ack', delivery })))).toEqual([]);
  }
  const permits = requests.flatMap(({ token, demands }) =>
    demands.map(({ limit, key }) => ({ limit, key, token, slots: 1, ranMs: 0 })),
  );
  const usage = await broker.limits.usage();
  expect(usage.map(({ held: slots }) => slots)).toEqual(permits.map(() => 1));
  await broker.limits.release(permits, { promotes: false });
}
