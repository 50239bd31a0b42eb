import { firstMessages } from '@brokkr/core/adapter';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery, Subscription } from '@brokkr/core/adapter';
import { describe, expect, it } from 'vitest';
import type { AmqpBroker } from '../src/index.ts';
import { RabbitBench, envelope, receive } from './rabbit-bench.ts';

const bench = new RabbitBench();

function ids(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `m${n}`);
}

/** Returns how often each message is in the queue, once no consumer holds any. */
async function standing(): Promise<Map<string, number>> {
  const seen = new Map<string, number>();
  await bench.meddle(async (channel) => {
    for (;;) {
      const message = await channel.get(`${bench.namespace}.q`, { noAck: true });
      if (message === false) return;
      const id = String(message.properties.messageId);
      seen.set(id, (seen.get(id) ?? 0) + 1);
    }
  });
  return seen;
}

async function all(subscription: Subscription, count: number): Promise<Delivery[]> {
  const got: Delivery[] = [];
  while (got.length < count) {
    const more = await receive(subscription, count - got.length);
    if (more.length === 0) break;
    got.push(...more);
  }
  return got;
}

async function filled(count: number): Promise<AmqpBroker> {
  const broker = bench.open(bench.server.url, { sendTimeoutMs: 15_000 });
  await broker.publish(ids(count).map((id) => envelope(id)));
  return broker;
}

/**
 * Stops the disk for a while, as a busy one does: commands that are sent in that time are not applied, so the server
 * keeps most acknowledgements back. Resolves once the disk has stopped.
 */
async function stopDisk(broker: AmqpBroker, ms: number): Promise<void> {
  const probe = () => broker.publish([{ ...envelope(), queue: 'probe' }]);
  await probe();
  const over = bench.server.control('eval', `sys:suspend(ra_log_wal), timer:sleep(${ms}), sys:resume(ra_log_wal).`);
  bench.onCleanUp(() => over);
  while (await Promise.race([probe().then(() => true), sleep(150, false)]));
}

describe('more acknowledgements than the server passes on at the same time', () => {
  it.each([60, 400])(
    'take removes all %i messages that it reports as moved',
    async (count) => {
      const broker = await filled(count);
      const moved: string[] = [];
      const taken = await broker.inspector.take('q', count, async (envelopes) => {
        moved.push(...envelopes.map(({ id }) => id));
      });
      expect([taken, moved]).toEqual([count, ids(count)]);
      await expect.poll(() => bench.held(), { timeout: 5_000 }).toBe(0);
    },
    90_000,
  );

  it.each([100, 400])(
    'discard and redrive leave none of %i dead letters, so that none is redriven twice',
    async (count) => {
      const broker = await filled(1);
      await bench.deadLetters(ids(count));
      expect(await broker.inspector.discard('q', 'all')).toBe(count);
      await expect.poll(() => bench.held(), { timeout: 5_000 }).toBe(1);
      await bench.deadLetters(ids(count));
      expect(await broker.inspector.redrive('q', 'all')).toBe(count);
      await expect.poll(() => bench.held(), { timeout: 5_000 }).toBe(count + 1);
      expect(await broker.inspector.redrive('q', 'all')).toBe(0);
    },
    90_000,
  );

  it('a message that is being returned when a subscription closes is in the queue once', async () => {
    const broker = await filled(120);
    const subscription = await broker.subscribe('q', { prefetch: 120 });
    const held = await all(subscription, 120);
    const settling = [
      subscription.settle(held.filter((_, n) => n % 2 === 1).map((delivery) => ({ kind: 'ack', delivery }))),
      subscription.settle(held.filter((_, n) => n % 4 === 2).map((delivery) => ({ kind: 'release', delivery }))),
    ];
    await Promise.all([...settling, subscription.close()]);
    await broker.close();
    const found = await standing();
    expect(found.size).toBe(60);
    expect([...found.values()].filter((times) => times > 1)).toEqual([]);
  }, 90_000);

  it('discards every second of 200 dead letters, and keeps the others in order', async () => {
    const broker = await filled(1);
    await bench.deadLetters(ids(200));
    const chosen = ids(200).filter((_, n) => n % 2 === 1);
    expect(await broker.inspector.discard('q', chosen)).toBe(100);
    await expect.poll(() => bench.held(), { timeout: 5_000 }).toBe(101);
    const left = await firstMessages(broker.inspector, 'q', 'dead', 1_000);
    expect(left.map(({ id }) => id)).toEqual(ids(200).filter((_, n) => n % 2 === 0));
  }, 90_000);

  it.each([
    [60, 5],
    [300, 20],
    [300, 150],
  ])(
    'a subscription that closes with %i messages, %i of them held, leaves each in the queue once',
    async (count, held) => {
      const broker = await filled(count);
      const subscription = await broker.subscribe('q', { prefetch: count });
      await all(subscription, held);
      await broker.close();
      await expect.poll(() => bench.held(), { timeout: 5_000 }).toBe(count);
      expect(await standing()).toEqual(new Map(ids(count).map((id) => [id, 1])));
    },
    90_000,
  );

  it.each([
    ['', 0],
    [', while the disk stands still', 800],
  ])(
    'a worker that ends its running tasks at the same time and closes has no message delivered again%s',
    async (_, ms) => {
      const COUNT = 200;
      const broker = await filled(COUNT + 1);
      const subscription = await broker.subscribe('q', { prefetch: COUNT + 1 });
      const deliveries = await all(subscription, COUNT);
      // One message is left that was not received for a while: it is returned, and no more are consumed.
      await expect.poll(async () => (await broker.inspector.counts('q')).ready, { timeout: 5_000 }).toBe(1);
      if (ms > 0) await stopDisk(broker, ms);
      // Newest first: each needs its own acknowledgement.
      for (const delivery of deliveries.toReversed()) await subscription.settle([{ kind: 'ack', delivery }]);
      await broker.close();
      await expect.poll(async () => (await standing()).size, { timeout: 5_000 }).toBe(1);
    },
    90_000,
  );

  it('no message runs after a break before those that came again are in the queue once', async () => {
    const COUNT = 300;
    await filled(COUNT);
    const proxy = await bench.proxied();
    const broker = bench.open(`amqp://127.0.0.1:${proxy.port}`, { sendTimeoutMs: 15_000 });
    const subscription = await broker.subscribe('q', { prefetch: COUNT });
    await all(subscription, COUNT);
    proxy.reset();
    // The first that runs may be the one that kills its process.
    const [first] = await receive(subscription, 1);
    expect(first?.crashes).toBe(0);
    await proxy.close();
    await broker.close();
    await expect.poll(() => bench.held(), { timeout: 20_000 }).toBe(COUNT);
    expect((await standing()).size).toBe(COUNT);
  }, 90_000);
});
