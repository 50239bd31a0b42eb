import type { Delivery, Subscription } from '@brokkr/core/adapter';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { RedisServer } from '../../../test/support/redis-server.ts';
import { RedisBroker } from '../src/index.ts';

const server = await RedisServer.start();
const redis = server.client();
const opened: RedisBroker[] = [];
let stop = new AbortController();
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
beforeEach(async () => {
  await redis.flushall();
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await Promise.all(opened.splice(0).map((broker) => broker.close()));
});

function open(): RedisBroker {
  const broker = new RedisBroker({ url: server.url });
  opened.push(broker);
  return broker;
}

const names = (count: number) => Array.from({ length: count }, (_, index) => `q${index}`);

function receive(subscription: Subscription, signal = stop.signal): Promise<readonly Delivery[]> {
  return subscription.receive(1, { signal, wait: true });
}

async function send(broker: RedisBroker, queue: string): Promise<void> {
  await broker.publish([{ id: `in-${queue}`, queue, body: Buffer.from('[]'), headers: {} }]);
}

/** Waits until `count` clients of the broker block. */
async function untilBlocked(count: number): Promise<void> {
  const blocked = async () => Number(/blocked_clients:(\d+)/.exec(await redis.info('clients'))?.[1]);
  await expect.poll(blocked, { timeout: 5_000 }).toBe(count);
}

async function calls(): Promise<number> {
  return Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))?.[1]);
}

it('1,000 idle queues of one process share a connection, cause few calls, and are all woken', async () => {
  const broker = open();
  const queues = names(1_000);
  const subscriptions = await Promise.all(queues.map((queue) => broker.subscribe(queue, {})));
  const receiving = subscriptions.map((subscription) => receive(subscription));
  await untilBlocked(1);
  const clients = String(await redis.client('LIST'))
    .trim()
    .split('\n');
  // One of them belongs to this test.
  expect(clients.length - 1).toBeLessThanOrEqual(4);
  const before = await calls();
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  // Each look of 100 queues runs 3 commands for each queue, and all are looked at every 5 s.
  const perSecond = ((await calls()) - before) / 6;
  expect(perSecond).toBeLessThan(1_500);
  await Promise.all(queues.map((queue) => send(broker, queue)));
  const deliveries = await Promise.all(receiving);
  expect(deliveries.map(([delivery]) => delivery?.envelope.id)).toEqual(queues.map((queue) => `in-${queue}`));
}, 30_000);

it('a message wakes an idle queue among 1,000 immediately', async () => {
  const broker = open();
  const subscriptions = await Promise.all(names(1_000).map((queue) => broker.subscribe(queue, {})));
  const receiving = subscriptions.map((subscription) => receive(subscription));
  await untilBlocked(1);
  for (const index of [3, 500, 999]) {
    const sentAt = performance.now();
    await send(broker, `q${index}`);
    await receiving[index];
    // Looking would find it too, within six seconds.
    expect(performance.now() - sentAt).toBeLessThan(1_000);
  }
}, 20_000);

it('a queue that becomes idle later is woken too', async () => {
  const broker = open();
  const early = receive(await broker.subscribe('early', {}));
  await untilBlocked(1);
  for (const queue of names(5)) {
    const receiving = receive(await broker.subscribe(queue, {}));
    const sentAt = performance.now();
    await send(broker, queue);
    expect(await receiving).toHaveLength(1);
    expect(performance.now() - sentAt).toBeLessThan(1_000);
  }
  await send(broker, 'early');
  expect(await early).toHaveLength(1);
});

it('a doorbell that rings in a process that no longer waits for the queue wakes another process', async () => {
  const [one, other] = [open(), open()];
  const waitsElsewhere = receive(await one.subscribe('elsewhere', {}));
  const subscription = await one.subscribe('q', {});
  const leaving = new AbortController();
  const left = receive(subscription, leaving.signal);
  await untilBlocked(1);
  leaving.abort();
  expect(await left).toEqual([]);
  const receiving = receive(await other.subscribe('q', {}));
  await untilBlocked(2);
  const sentAt = performance.now();
  await send(one, 'q');
  expect(await receiving).toHaveLength(1);
  expect(performance.now() - sentAt).toBeLessThan(1_000);
  await send(one, 'elsewhere');
  expect(await waitsElsewhere).toHaveLength(1);
});

it('two processes that wait for one queue are woken in turn', async () => {
  const brokers = [open(), open()];
  const got = [0, 0];
  const consuming = brokers.map(async (broker, index) => {
    const subscription = await broker.subscribe('q', {});
    for (;;) {
      const deliveries = await receive(subscription);
      if (deliveries.length === 0) return;
      got[index] = (got[index] ?? 0) + 1;
      await subscription.settle(deliveries.map((delivery) => ({ kind: 'ack', delivery })));
    }
  });
  for (let round = 1; round <= 20; round++) {
    await untilBlocked(2);
    await send(brokers[0] as RedisBroker, 'q');
    await expect.poll(() => (got[0] ?? 0) + (got[1] ?? 0), { interval: 1 }).toBe(round);
  }
  stop.abort();
  await Promise.all(consuming);
  expect(Math.min(...got)).toBeGreaterThanOrEqual(8);
});

it.each([
  ['string', () => redis.set('brokkr:{q0}:bell', 'junk')],
  ['hash', () => redis.hset('brokkr:{q0}:bell', 'junk', '1')],
  ['set', () => redis.sadd('brokkr:{q0}:bell', 'junk')],
])(
  'a foreign %s under one bell does not keep the others from ringing',
  async (_, spoil) => {
    const broker = open();
    await spoil();
    const subscriptions = await Promise.all(names(5).map((queue) => broker.subscribe(queue, {})));
    const receiving = subscriptions.map((subscription) => receive(subscription));
    await untilBlocked(1);
    for (const index of [4, 1, 0]) {
      const sentAt = performance.now();
      await send(broker, `q${index}`);
      expect(await receiving[index]).toHaveLength(1);
      // Its own messages are found by looking, every six seconds.
      expect(performance.now() - sentAt).toBeLessThan(index === 0 ? 7_000 : 1_000);
    }
  },
  15_000,
);

it('leaves no key behind', async () => {
  const broker = open();
  const receiving = names(3).map(async (queue) => receive(await broker.subscribe(queue, {})));
  await untilBlocked(1);
  stop.abort();
  await Promise.all(receiving);
  await broker.close();
  const keys = await redis.keys('*');
  const lives = await Promise.all(keys.map((key) => redis.pttl(key)));
  expect(lives.filter((ms) => ms < 0)).toEqual([]);
});
