import { randomUUID } from 'node:crypto';
import type { BrokerOptions, Delivery, Envelope, Subscription } from '@brokkr/core';
import type { ChannelModel } from 'amqplib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RabbitServer } from '../../../test/support/rabbitmq-server.ts';
import { TcpProxy } from '../../../test/support/tcp-proxy.ts';
import { AmqpBroker } from '../src/index.ts';

const COUNTED_SOON = '{quorum_tick_interval, 200}';

let server: RabbitServer;
let meddler: ChannelModel;
beforeAll(async () => {
  server = await RabbitServer.start({ advanced: ['{channel_tick_interval, 1000}', COUNTED_SOON] });
  meddler = await server.client();
}, 90_000);
afterAll(async () => {
  await meddler?.close();
  await server?.stop();
});

const cleanUps: (() => Promise<unknown>)[] = [];
let namespace: string;
beforeEach(() => {
  namespace = `t${randomUUID().slice(0, 8)}`;
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
}, 60_000);

function open(url = server.url, options: BrokerOptions = {}): AmqpBroker {
  const broker = new AmqpBroker({ url, namespace, sendTimeoutMs: 2_000, ...options });
  cleanUps.push(() => broker.close());
  return broker;
}

async function proxied(): Promise<TcpProxy> {
  const proxy = await TcpProxy.open(server.port);
  cleanUps.push(() => proxy.close());
  return proxy;
}

function envelope(id = randomUUID() as string): Envelope {
  return { id, queue: 'q', body: Buffer.from('[1]'), headers: { 'brokkr-task': 't' } };
}

async function receive(subscription: Subscription, limit = 10, boundMs = 15_000): Promise<readonly Delivery[]> {
  return subscription.receive(limit, { signal: AbortSignal.timeout(boundMs), wait: true });
}

async function one(subscription: Subscription): Promise<Delivery> {
  const [delivery] = await receive(subscription, 1);
  if (delivery === undefined) throw new Error('nothing came');
  return delivery;
}

async function ack(subscription: Subscription, ...deliveries: readonly Delivery[]): Promise<readonly Delivery[]> {
  return subscription.settle(deliveries.map((delivery) => ({ kind: 'ack', delivery })));
}

/** Messages the server holds in this test's queues, acknowledged or not. */
async function held(): Promise<number> {
  const answer = await server.control('list_queues', 'name', 'messages', '--silent', '--formatter', 'json');
  return (JSON.parse(answer) as { name: string; messages: number }[])
    .filter(({ name }) => name.startsWith(`${namespace}.`))
    .reduce((sum, { messages }) => sum + messages, 0);
}

async function meddle(use: (channel: Awaited<ReturnType<ChannelModel['createChannel']>>) => Promise<unknown>) {
  const channel = await meddler.createChannel();
  await use(channel);
  await channel.close();
}

describe('what others do to our queues', () => {
  it('a queue that is deleted under its consumer is declared again, and consumed', async () => {
    const broker = open();
    const subscription = await broker.subscribe('q', { prefetch: 5 });
    await broker.publish([envelope()]);
    await ack(subscription, await one(subscription));
    for (let round = 0; round < 10; round++) {
      const waiting = one(subscription);
      await meddle((channel) => channel.deleteQueue(`${namespace}.q`));
      const id = `after-${round}`;
      await broker.publish([envelope(id)]);
      const delivery = await waiting;
      expect(delivery.envelope.id).toBe(id);
      await ack(subscription, delivery);
    }
  }, 60_000);

  it('a queue deleted in the moment its consumer begins is consumed all the same', async () => {
    const broker = open();
    for (let round = 0; round < 10; round++) {
      const subscription = await broker.subscribe('q', {});
      const waiting = one(subscription);
      await meddle((channel) => channel.deleteQueue(`${namespace}.q`));
      await broker.publish([envelope()]);
      await ack(subscription, await waiting);
      await subscription.close();
    }
  }, 60_000);

  it('a message for a queue, a rung or dead letters that were deleted is stored all the same', async () => {
    const broker = open();
    await broker.publish([envelope(), { ...envelope(), notBefore: Date.now() + 200 }]);
    await meddle((channel) => channel.deleteQueue(`${namespace}.q`));
    await broker.publish([envelope('routed')]);
    const subscription = await broker.subscribe('q', { prefetch: 10 });
    const first = await one(subscription);
    await meddle((channel) => channel.deleteQueue(`${namespace}.q.dead`));
    await subscription.settle([
      { kind: 'dead-letter', delivery: first, reason: 'r', replacement: { ...first.envelope, queue: 'q.dead' } },
    ]);
    expect((await broker.peek('q', 'dead', 10)).map(({ id }) => id)).toEqual([first.envelope.id]);
    for (let steps = 1; steps < 32; steps++) {
      await meddle((channel) => channel.deleteQueue(`${namespace}.q.delay.0.${steps}`));
    }
    await broker.publish([{ ...envelope('late'), notBefore: Date.now() + 200 }]);
    await expect
      .poll(
        async () => {
          const got = await receive(subscription, 10, 1_000);
          await ack(subscription, ...got);
          return got.map(({ envelope: { id } }) => id);
        },
        { timeout: 10_000 },
      )
      .toContain('late');
  }, 60_000);

  it('an exchange that is deleted is declared again', async () => {
    const broker = open();
    const later = () => broker.publish([{ ...envelope(), notBefore: Date.now() + 50 }]);
    await later();
    await meddle(async (channel) => {
      for (let level = 0; level < 5; level++) await channel.deleteExchange(`${namespace}.q.delay.${level}`);
    });
    await later();
    const subscription = await broker.subscribe('q', {});
    await ack(subscription, await one(subscription));
  }, 60_000);

  it('a full queue that refuses is a clear error, and nothing it refused is taken for stored', async () => {
    await server.control(
      'set_policy',
      'full',
      `^${namespace}\\.q$`,
      '{"max-length":5,"overflow":"reject-publish"}',
      '--apply-to',
      'queues',
    );
    cleanUps.push(() => server.control('clear_policy', 'full'));
    const broker = open(server.url, { sendTimeoutMs: 700 });
    let stored = 0;
    let refused: unknown;
    for (let n = 0; n < 30 && refused === undefined; n++) {
      await broker.publish([envelope()]).then(
        () => void stored++,
        (error: unknown) => {
          refused = error;
        },
      );
    }
    expect(refused).toMatchObject({ code: 'BROKER_FULL' });
    const subscription = await broker.subscribe('q', { prefetch: 100 });
    let got = 0;
    while (got < stored) {
      const deliveries = await receive(subscription);
      got += deliveries.length;
      await ack(subscription, ...deliveries);
    }
    expect(got).toBeGreaterThanOrEqual(stored);
  }, 60_000);

  it('a queue with other arguments is an error that names queue and argument, at both ends', async () => {
    await meddle((channel) => channel.assertQueue(`${namespace}.q`, { arguments: { 'x-queue-type': 'quorum' } }));
    const broker = open();
    const mismatch = { code: 'QUEUE_MISMATCH', message: expect.stringMatching(/\.q exists with .*x-[a-z-]+/s) };
    await expect(broker.publish([envelope()])).rejects.toMatchObject(mismatch);
    await expect(broker.subscribe('q', {})).rejects.toMatchObject(mismatch);
    // Another queue of the same application is none the worse.
    await broker.publish([{ ...envelope(), queue: 'other' }]);
  }, 60_000);
});

describe('users and addresses', () => {
  async function user(configure: string): Promise<string> {
    const name = `u${randomUUID().slice(0, 6)}`;
    await server.control('add_user', name, 's3cret');
    await server.control('set_permissions', name, configure, '.*', '.*');
    cleanUps.push(() => server.control('delete_user', name));
    return `amqp://${name}:s3cret@127.0.0.1:${server.port}`;
  }

  it('a user that may not configure works where the topology exists', async () => {
    const owner = open();
    await owner.publish([{ ...envelope(), notBefore: Date.now() + 50 }]);
    const broker = open(await user('^$'));
    await broker.publish([envelope('direct'), { ...envelope('later'), notBefore: Date.now() + 50 }]);
    const subscription = await broker.subscribe('q', { prefetch: 10 });
    const seen = new Set<string>();
    while (!seen.has('direct') || !seen.has('later')) {
      const deliveries = await receive(subscription);
      for (const {
        envelope: { id },
      } of deliveries)
        seen.add(id);
      await ack(subscription, ...deliveries);
    }
  }, 60_000);

  it('and is told what is missing where it does not', async () => {
    const broker = open(await user('^$'));
    const refused = { code: 'QUEUE_REFUSED', message: expect.stringContaining(`${namespace}`) };
    await expect(broker.publish([envelope()])).rejects.toMatchObject(refused);
    await expect(broker.subscribe('q', {})).rejects.toMatchObject(refused);
  }, 60_000);

  it.each([
    ['a wrong password', () => `amqp://guest:s3cret@127.0.0.1:${server.port}`],
    ['a virtual host that is missing', () => `amqp://guest:guest@127.0.0.1:${server.port}/s3cret-none`],
    ['nobody at the address', () => 'amqp://guest:s3cret@127.0.0.1:1'],
  ])(
    '%s is said within the time to send, and no secret with it',
    async (_, url) => {
      const lines: unknown[] = [];
      const log = (...line: unknown[]) => void lines.push(line);
      const logger = { trace: log, debug: log, info: log, warn: log, error: log, fatal: log };
      const broker = open(url(), { logger: logger as unknown as NonNullable<BrokerOptions['logger']> });
      const startedAt = performance.now();
      const error = (await broker.publish([envelope()]).catch((failure: unknown) => failure)) as Error;
      expect(performance.now() - startedAt).toBeLessThan(4_000);
      expect(error).toMatchObject({ code: 'BROKER_UNAVAILABLE' });
      expect(String(error.cause)).toMatch(/ACCESS_REFUSED|no virtual host|ECONNREFUSED/);
      const told = `${error.stack} ${String(error.cause)} ${JSON.stringify(lines)}`;
      expect(told.replaceAll('s3cret-none', '')).not.toContain('s3cret');
    },
    20_000,
  );

  it('of several hosts the first may be dead', async () => {
    for (let round = 0; round < 4; round++) {
      const broker = open(`amqp://127.0.0.1:1,127.0.0.1:${server.port}`);
      await broker.publish([envelope()]);
    }
    const subscription = await open(`amqp://127.0.0.1:1,127.0.0.1:${server.port}`).subscribe('q', { prefetch: 10 });
    expect((await receive(subscription)).length).toBeGreaterThan(0);
  }, 60_000);

  it('classic queues do the same work', async () => {
    const broker = open(`${server.url}?queueType=classic`);
    await broker.publish([envelope('a'), { ...envelope('b'), notBefore: Date.now() + 40 }]);
    const subscription = await broker.subscribe('q', {});
    const a = await one(subscription);
    await subscription.settle([{ kind: 'release', delivery: a }]);
    const ids = new Set<string>();
    while (ids.size < 2) {
      const delivery = await one(subscription);
      ids.add(delivery.envelope.id);
      await ack(subscription, delivery);
    }
    expect(await broker.counts('q')).toMatchObject({ ready: 0, delayed: 0, dead: 0 });
  }, 60_000);
});

describe('time and pressure', () => {
  it('a consumer that holds a message for longer than consumer_timeout loses it, and goes on consuming', async () => {
    const allow = (ms: number) => server.control('eval', `application:set_env(rabbit, consumer_timeout, ${ms}).`);
    await allow(5_000);
    cleanUps.push(() => allow(1_800_000));
    const broker = open();
    const subscription = await broker.subscribe('q', { leaseMs: 30_000, prefetch: 2 });
    await broker.publish([envelope('slow')]);
    const slow = await one(subscription);
    const again = await receive(subscription, 1, 20_000);
    expect(again.map(({ envelope: { id } }) => id)).toEqual(['slow']);
    expect(await subscription.extend([slow])).toEqual([slow]);
    expect(await ack(subscription, slow)).toEqual([slow]);
    await ack(subscription, ...again);
    await expect.poll(held, { timeout: 10_000 }).toBe(0);
  }, 60_000);

  it.each([
    ['memory', ['set_vm_memory_high_watermark', 'absolute', '1MB'], ['set_vm_memory_high_watermark', '0.6']],
    ['disk', ['set_disk_free_limit', '90000GB'], ['set_disk_free_limit', '50MB']],
  ])(
    'an alarm for %s stops sending, never acknowledgements, and passes',
    async (_, on, off) => {
      const broker = open(server.url, { sendTimeoutMs: 1_500 });
      await broker.publish([
        ...Array.from({ length: 20 }, () => envelope()),
        { ...envelope(), notBefore: Date.now() + 1 },
      ]);
      const subscription = await broker.subscribe('q', { prefetch: 30 });
      const deliveries: Delivery[] = [];
      while (deliveries.length < 21) deliveries.push(...(await receive(subscription, 30)));
      await server.control(...on);
      cleanUps.push(() => server.control(...off));
      // The first that is sent after the alarm is what makes the server stop the connection.
      await expect(broker.publish([envelope('doubt')])).rejects.toMatchObject({ code: 'BROKER_BLOCKED' });
      // Looking must not stop what acknowledges either.
      await broker.counts('q').catch((error: unknown) => expect(error).toMatchObject({ code: 'BROKER_BLOCKED' }));
      expect(await ack(subscription, ...deliveries)).toEqual([]);
      const other = open();
      const before = await other.subscribe('q', { prefetch: 1 });
      await expect.poll(held, { timeout: 10_000, message: 'all is acknowledged during the alarm' }).toBe(0);
      await before.close();
      await server.control(...off);
      const stored = () => broker.publish([envelope('waited')]).then(() => 'stored', String);
      await expect.poll(stored, { timeout: 15_000 }).toBe('stored');
      const seen = new Set<string>();
      while (!seen.has('waited')) {
        const got = await receive(subscription);
        for (const {
          envelope: { id },
        } of got)
          seen.add(id);
        await ack(subscription, ...got);
      }
    },
    60_000,
  );
});

describe('connections that fail without a word', () => {
  const silent = (proxy: TcpProxy) => `amqp://127.0.0.1:${proxy.port}?heartbeat=1s&connectTimeout=1s`;

  it('a half-open connection is found by its heartbeat: a consumer comes back, a sender is told', async () => {
    const proxy = await proxied();
    const broker = open(silent(proxy));
    const subscription = await broker.subscribe('q', {});
    await broker.publish([envelope('before')]);
    await ack(subscription, await one(subscription));
    const waiting = receive(subscription, 1, 20_000);
    proxy.mode = 'half-open';
    // Twice two seconds: by then both ends have missed their heartbeats.
    for (const id of ['into-nothing', 'into-nothing-too']) {
      await expect(broker.publish([envelope(id)])).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' });
    }
    const brokenAt = performance.now();
    proxy.mode = 'pass';
    await open().publish([envelope('after')]);
    const [delivery] = await waiting;
    expect(delivery?.envelope.id).toBe('after');
    expect(performance.now() - brokenAt).toBeLessThan(5_000);
  }, 60_000);

  it('confirms that are swallowed: what was in doubt is sent again under its id, and nothing is lost', async () => {
    const proxy = await proxied();
    const broker = open(`amqp://127.0.0.1:${proxy.port}`, { sendTimeoutMs: 10_000 });
    await broker.publish([envelope('warm')]);
    proxy.mode = 'swallow-replies';
    const ids = Array.from({ length: 50 }, (_, n) => `doubt-${n}`);
    const sent = broker.publish(ids.map((id) => envelope(id)));
    await expect.poll(held, { timeout: 10_000 }).toBe(51);
    proxy.mode = 'pass';
    proxy.reset();
    await sent;
    const subscription = await open().subscribe('q', { prefetch: 200 });
    const seen: string[] = [];
    while (seen.length < 101) {
      const got = await receive(subscription, 200, 2_000);
      if (got.length === 0) break;
      seen.push(...got.map(({ envelope: { id } }) => id));
      await ack(subscription, ...got);
    }
    expect(new Set(seen)).toEqual(new Set(['warm', ...ids]));
    expect(seen.length).toBeLessThanOrEqual(101);
  }, 60_000);

  it('a delivery of a connection that is over never acknowledges the message that has its tag now', async () => {
    const proxy = await proxied();
    const broker = open(`amqp://127.0.0.1:${proxy.port}`);
    const subscription = await broker.subscribe('q', { prefetch: 10 });
    const ids = Array.from({ length: 10 }, (_, n) => `m${n}`);
    await broker.publish(ids.map((id) => envelope(id)));
    const stale: Delivery[] = [];
    while (stale.length < 10) stale.push(...(await receive(subscription, 10)));
    proxy.reset();
    const fresh: Delivery[] = [];
    while (fresh.length < 10) fresh.push(...(await receive(subscription, 10)));
    expect(await ack(subscription, ...stale)).toEqual(stale);
    expect(await subscription.settle(stale.map((delivery) => ({ kind: 'release', delivery })))).toEqual(stale);
    // All ten are still there: they come back to the next consumer.
    await subscription.close();
    const next = await open().subscribe('q', { prefetch: 20 });
    const seen = new Set<string>();
    while (seen.size < 10) {
      const got = await receive(next);
      if (got.length === 0) break;
      for (const {
        envelope: { id },
      } of got)
        seen.add(id);
      await ack(next, ...got);
    }
    expect(seen).toEqual(new Set(ids));
    await expect.poll(held, { timeout: 10_000 }).toBe(0);
  }, 60_000);

  it('a copy that is under way when the connection breaks is not stored beside the original', async () => {
    const proxy = await proxied();
    const broker = open(`amqp://127.0.0.1:${proxy.port}`, { sendTimeoutMs: 10_000 });
    const subscription = await broker.subscribe('q', { prefetch: 10 });
    await broker.publish([envelope('once')]);
    const delivery = await one(subscription);
    proxy.mode = 'half-open';
    const settled = subscription.settle([{ kind: 'retry', delivery, replacement: delivery.envelope }]);
    proxy.reset();
    proxy.mode = 'pass';
    expect(await settled).toEqual([delivery]);
    const again = await one(subscription);
    expect(again.envelope.id).toBe('once');
    await ack(subscription, again);
    await expect.poll(held, { timeout: 10_000 }).toBe(0);
  }, 60_000);

  it('what was sent in vain while the server was away for long is forgotten', async () => {
    const proxy = await proxied();
    const broker = open(`amqp://127.0.0.1:${proxy.port}`, { sendTimeoutMs: 200 });
    await broker.publish([envelope()]).catch(() => broker.publish([envelope()]));
    await proxy.close();
    for (let n = 0; n < 5; n++) {
      await expect(broker.publish([envelope(`vain-${n}`)])).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' });
    }
    expect((await open().peek('q', 'ready', 100)).filter(({ id }) => id.startsWith('vain'))).toEqual([]);
  }, 60_000);
});
