import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BrokerOptions } from '@brokkr/core/adapter';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { RabbitServer } from '../../../test/support/rabbitmq-server.ts';
import { TcpProxy } from '../../../test/support/tcp-proxy.ts';
import { AmqpBroker, type AmqpBrokerOptions } from '../src/index.ts';
import { ack, envelope, one } from './rabbit-bench.ts';

const CHANNELS = 24;
const QUEUES = 60;

let server: RabbitServer;
beforeAll(async () => {
  server = await RabbitServer.start({ config: [`channel_max = ${CHANNELS}`, 'frame_max = 8192'] });
}, 90_000);
afterAll(() => server?.stop());

const brokers: AmqpBroker[] = [];
afterEach(async () => {
  for (const broker of brokers.splice(0)) await broker.close();
}, 90_000);

function open({ url = `${server.url}?queueType=classic`, ...options }: Partial<AmqpBrokerOptions> = {}): AmqpBroker {
  const namespace = `t${randomUUID().slice(0, 8)}`;
  const broker = new AmqpBroker({ url, namespace, sendTimeoutMs: 5_000, ...options });
  brokers.push(broker);
  return broker;
}

/** A logger that counts how often a connection broke. */
function breaks(): { count: number; logger: NonNullable<BrokerOptions['logger']> } {
  const log = () => undefined;
  const counted = {
    count: 0,
    logger: {
      ...{ trace: log, debug: log, info: log, error: log, fatal: log },
      warn: (_: unknown, message?: string) => {
        if (message?.includes('connection to RabbitMQ broke') === true) counted.count++;
      },
    } as unknown as NonNullable<BrokerOptions['logger']>,
  };
  return counted;
}

it('a process with more queues than channels sends to all of them, and receives from all', async () => {
  const broker = open();
  const names = Array.from({ length: QUEUES }, (_, index) => `q${index}`);
  const subscriptions = await Promise.all(names.map((queue) => broker.subscribe(queue, { prefetch: 2 })));
  const waiting = subscriptions.map((subscription) => one(subscription));
  await Promise.all(names.map((queue) => broker.publish([{ ...envelope(queue), queue }])));
  const deliveries = await Promise.all(waiting);
  expect(deliveries.map(({ envelope: { id } }) => id)).toEqual(names);
  for (const [index, subscription] of subscriptions.entries()) {
    expect(
      await subscription.settle([{ kind: 'ack', delivery: deliveries[index] as (typeof deliveries)[number] }]),
    ).toEqual([]);
  }
  await Promise.all(subscriptions.map((subscription) => subscription.close()));
  const counts = await Promise.all(names.map((queue) => broker.inspector.counts(queue)));
  expect(counts.every(({ ready }) => ready === 0)).toBe(true);
}, 90_000);

it('consumers that share a channel keep their own prefetch', async () => {
  const broker = open();
  const names = Array.from({ length: QUEUES }, (_, index) => `q${index}`);
  const subscriptions = await Promise.all(names.map((queue) => broker.subscribe(queue, { prefetch: 1 })));
  const [queue] = names;
  await broker.publish(['a', 'b'].map((id) => ({ ...envelope(id), queue: queue as string })));
  const [subscription] = subscriptions;
  const first = await one(subscription as (typeof subscriptions)[number]);
  expect(await subscription?.receive(1, { signal: AbortSignal.timeout(300), wait: true })).toEqual([]);
  await ack(subscription as (typeof subscriptions)[number], first);
  expect((await one(subscription as (typeof subscriptions)[number])).envelope.id).toBe('b');
}, 90_000);

it('refuses a message whose headers are over frame_max, and keeps its connection', async () => {
  const counted = breaks();
  const broker = open(counted);
  const headers = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`h${index}`, 'x'.repeat(1_000)]));
  await broker.publish([envelope('before')]);
  const error = await broker.publish([{ ...envelope(), headers }]).catch((failure: unknown) => failure);
  expect(error).toMatchObject({ code: 'HEADERS_TOO_LARGE', message: expect.stringContaining('frame_max') });
  await broker.publish([envelope('after')]);
  expect(counted.count).toBe(0);
});

it('stores a retry whose history is over frame_max without its oldest attempts', async () => {
  const counted = breaks();
  const broker = open(counted);
  const subscription = await broker.subscribe('q', {});
  await broker.publish([envelope()]);
  const delivery = await one(subscription);
  const attempts = Array.from({ length: 12 }, (_, index) => ({
    attempt: index + 1,
    at: 1,
    worker: 'w',
    error: { name: 'Error', message: 'm'.repeat(900), stack: 's'.repeat(200) },
  }));
  const headers = { ...delivery.envelope.headers, 'brokkr-history': JSON.stringify(attempts) };
  const replacement = { ...delivery.envelope, headers };
  expect(await subscription.settle([{ kind: 'retry', delivery, replacement }])).toEqual([]);
  const again = await one(subscription);
  const history = JSON.parse(again.envelope.headers['brokkr-history'] ?? '[]') as { attempt: number }[];
  expect(history.at(-1)?.attempt).toBe(12);
  expect(history.length).toBeGreaterThan(4);
  expect(again.envelope.headers['brokkr-task']).toBe('t');
  expect(counted.count).toBe(0);
});

it('reports the limit of connections, and connects once the server allows more', async () => {
  await server.control('set_vhost_limits', '-p', '/', '{"max-connections": 0}');
  const broker = open({ sendTimeoutMs: 1_000 });
  const error = await broker.publish([envelope()]).catch((failure: unknown) => failure);
  expect(error).toMatchObject({ code: 'CONNECTION_LIMIT', message: expect.stringContaining('connection limit (0)') });
  await server.control('clear_vhost_limits', '-p', '/');
  await expect.poll(() => broker.publish([envelope()]).then(() => 'stored'), { timeout: 15_000 }).toBe('stored');
}, 90_000);

it('waits longer and longer for a server whose connections break soon after they are open', async () => {
  const proxy = await TcpProxy.open(server.port);
  const counted = breaks();
  const broker = open({ ...counted, url: `amqp://127.0.0.1:${proxy.port}?queueType=classic` });
  await broker.publish([envelope()]);
  counted.count = 0;
  const resetting = setInterval(() => proxy.reset(), 20);
  await sleep(4_000);
  clearInterval(resetting);
  // Without a backoff the connection breaks about 50 times a second.
  expect(counted.count).toBeLessThan(40);
  await expect.poll(() => broker.publish([envelope()]).then(() => 'stored'), { timeout: 15_000 }).toBe('stored');
  await broker.close();
  await proxy.close();
}, 90_000);
