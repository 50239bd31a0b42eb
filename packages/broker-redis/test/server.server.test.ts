import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { BrokerUnavailableError, ConfigError } from '@brokkr/core';
import type { Delivery, Envelope, Subscription } from '@brokkr/core/adapter';
import { afterAll, afterEach, expect, it } from 'vitest';
import { freePort, RedisServer } from '../../../test/support/redis-server.ts';
import { RedisBroker, type RedisBrokerOptions } from '../src/index.ts';

const server = await RedisServer.start();
const redis = server.client();
const brokers: RedisBroker[] = [];

afterEach(async () => {
  for (const broker of brokers.splice(0)) await broker.close();
  await redis.config('SET', 'maxmemory', '0');
  await redis.config('SET', 'maxmemory-policy', 'noeviction');
  await redis.flushall();
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

function open(options: RedisBrokerOptions = {}): RedisBroker {
  const broker = new RedisBroker({ url: server.url, ...options });
  brokers.push(broker);
  return broker;
}

function envelope(given: Partial<Envelope> = {}): Envelope {
  return { id: randomUUID(), queue: 'q', body: Buffer.from('[1]'), headers: {}, ...given };
}

function receive(subscription: Subscription, limit = 100, wait = true): Promise<readonly Delivery[]> {
  return subscription.receive(limit, { signal: AbortSignal.timeout(4_000), wait });
}

async function drain(subscription: Subscription, count: number): Promise<void> {
  for (let done = 0; done < count; ) {
    const deliveries = await receive(subscription);
    const settle = () => subscription.settle(deliveries.map((delivery) => ({ kind: 'ack', delivery })));
    // It rejects if the connection broke and the answer was lost. Repeating it is safe.
    await settle().catch(settle);
    done += deliveries.length;
  }
}

it('an acknowledged message leaves only the counters of its queue', async () => {
  const broker = open();
  await broker.publish([envelope(), envelope({ notBefore: Date.now() + 20 })]);
  const subscription = await broker.subscribe('q', { leaseMs: 300 });
  await drain(subscription, 2);
  // The state of the last delivery ends with its lease.
  await expect
    .poll(() => redis.keys('*').then((keys) => keys.sort()), { timeout: 2_000 })
    .toEqual(['brokkr:queues', 'brokkr:{q}:counts', 'brokkr:{q}:fence']);
});

it('SCRIPT FLUSH in a loop fails no call', async () => {
  const broker = open();
  const subscription = await broker.subscribe('q', {});
  let stopped = false;
  const flushing = (async () => {
    while (!stopped) await redis.script('FLUSH');
  })();
  for (let round = 0; round < 50; round++) {
    await broker.publish([envelope(), envelope()]);
    await drain(subscription, 2);
  }
  stopped = true;
  await flushing;
  expect(await broker.inspector.counts('q')).toMatchObject({ published: 100, acknowledged: 100, ready: 0, running: 0 });
});

it('connections that are killed continually lose nothing, and idle consumers reconnect', async () => {
  const broker = open();
  const subscription = await broker.subscribe('q', {});
  const sent = 40;
  const consumed = drain(subscription, sent);
  for (let round = 0; round < sent; round++) {
    if (round % 5 === 0) await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await broker.publish([envelope()]);
  }
  await consumed;
  expect(await broker.inspector.counts('q')).toMatchObject({ published: sent, ready: 0, running: 0, dead: 0 });
}, 30_000);

it('a full server refuses to store with the reason, and still lets messages end', async () => {
  const broker = open();
  await broker.publish([envelope(), envelope(), envelope()]);
  const subscription = await broker.subscribe('q', {});
  const [done, failed, dead] = (await receive(subscription)) as [Delivery, Delivery, Delivery];
  await redis.config('SET', 'maxmemory', '1');
  await expect(broker.publish([envelope()])).rejects.toMatchObject({ code: 'BROKER_FULL' });
  const lost = await subscription.settle([
    { kind: 'ack', delivery: done },
    { kind: 'retry', delivery: failed, replacement: failed.envelope },
    { kind: 'dead-letter', delivery: dead, reason: 'r', replacement: { ...dead.envelope, queue: 'q.dead' } },
  ]);
  expect(lost).toEqual([]);
  await redis.config('SET', 'maxmemory', '0');
  expect(await broker.inspector.counts('q')).toMatchObject({ acknowledged: 1, ready: 1, dead: 1, published: 3 });
});

it('publishing to a server that is not running is rejected within the send timeout', async () => {
  const broker = open({ url: `redis://127.0.0.1:${await freePort()}`, sendTimeoutMs: 300 });
  const startedAt = performance.now();
  await expect(broker.publish([envelope()])).rejects.toBeInstanceOf(BrokerUnavailableError);
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});

it('publishing to a server that accepts connections and never answers is rejected, without a secret', async () => {
  const mute = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(mute, 'listening');
  const { port } = mute.address() as { port: number };
  const broker = open({ url: `redis://u:s3cret@127.0.0.1:${port}`, sendTimeoutMs: 300 });
  const refused = await broker.publish([envelope()]).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(BrokerUnavailableError);
  expect(JSON.stringify(refused, Object.getOwnPropertyNames(refused))).not.toContain('s3cret');
  await broker.close();
  mute.close();
});

it('a server that may evict messages is refused, unless allowEviction is set', async () => {
  await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
  const refused = open().publish([envelope()]);
  await expect(refused).rejects.toBeInstanceOf(ConfigError);
  await expect(refused).rejects.toMatchObject({ code: 'SERVER_EVICTS' });
  await open({ url: `${server.url}?allowEviction=true` }).publish([envelope()]);
});

async function processed(): Promise<number> {
  return Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))?.[1] ?? Number.NaN);
}

it('waiting for a result costs a few commands a second, and the result arrives immediately', async () => {
  const broker = open();
  const waiting = broker.results.load('r', AbortSignal.timeout(10_000));
  await expect.poll(async () => String(await redis.client('LIST')).includes('sub=1')).toBe(true);
  const before = await processed();
  const seconds = 2;
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  expect((await processed()) - before - 1).toBeLessThanOrEqual(5 * seconds);
  const storedAt = performance.now();
  await broker.results.store('r', Buffer.from('1'), 60_000);
  expect(Buffer.from((await waiting) ?? []).toString()).toBe('1');
  // By a notification, and not by the look once a second.
  expect(performance.now() - storedAt).toBeLessThan(500);
  await expect.poll(async () => String(await redis.client('LIST')).includes('sub=1')).toBe(false);
});

it('an idle consumer costs at most five commands a second', async () => {
  const broker = open();
  const subscription = await broker.subscribe('q', {});
  const abort = new AbortController();
  const waiting = subscription.receive(1, { signal: abort.signal, wait: true });
  await expect.poll(async () => String(await redis.client('LIST')).includes('cmd=blpop')).toBe(true);
  const before = await processed();
  const seconds = 3;
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  // The two looks at the statistics are commands, too.
  expect((await processed()) - before - 1).toBeLessThanOrEqual(5 * seconds);
  abort.abort();
  expect(await waiting).toEqual([]);
});

it('a message that is sent while its consumer waits is delivered immediately', async () => {
  const broker = open();
  const subscription = await broker.subscribe('q', {});
  const waiting = receive(subscription);
  await expect.poll(async () => String(await redis.client('LIST')).includes('cmd=blpop')).toBe(true);
  const sentAt = performance.now();
  await broker.publish([envelope()]);
  expect(await waiting).toHaveLength(1);
  // Far below the five seconds after which the consumer would look.
  expect(performance.now() - sentAt).toBeLessThan(1_000);
});

it('many idle consumers share the messages, and none waits for a ring that another one took', async () => {
  const broker = open();
  const subscriptions = await Promise.all(Array.from({ length: 5 }, () => broker.subscribe('q', {})));
  const waiting = subscriptions.map((subscription) => receive(subscription, 1));
  await broker.publish(Array.from({ length: 5 }, () => envelope()));
  expect((await Promise.all(waiting)).map((deliveries) => deliveries.length)).toEqual([1, 1, 1, 1, 1]);
});

it('a claim whose answer was lost is answered with the same messages when it is repeated', async () => {
  const broker = open();
  await broker.publish([envelope(), envelope(), envelope()]);
  const { exchange } = await import('../src/scripts/exchange.ts');
  const call = () =>
    redis.eval(exchange.lua, 1, 'brokkr:{q}', '2', '0', '30000', 'w', 'consumer', '7') as Promise<unknown[]>;
  const first = await call();
  expect(await call()).toEqual(first);
  expect(await broker.inspector.counts('q')).toMatchObject({ running: 2, ready: 1 });
});

it('a message whose bytes another client deleted is dropped and counted, and the other messages are delivered', async () => {
  const broker = open();
  const gone = envelope();
  const kept = envelope();
  await broker.publish([gone, kept]);
  await redis.hdel('brokkr:{q}:messages', gone.id);
  const subscription = await broker.subscribe('q', {});
  expect((await receive(subscription)).map(({ envelope: { id } }) => id)).toEqual([kept.id]);
  expect(await broker.inspector.counts('q')).toMatchObject({ discarded: 1, running: 1 });
});

it('a key whose first sender died before it stored anything is free: the next message is stored in its own queue', async () => {
  const broker = open({ idempotencyTtlMs: 60_000 });
  const keyed = (queue: string) => broker.publish([envelope({ queue, idempotencyKey: 'task:k' })]);
  const slot = `brokkr:key:${createHash('sha1').update('task:k').digest('hex')}`;
  // What the first sender has done when it dies.
  await redis.set(slot, '=first 1000', 'PX', 5_000);
  const [stored] = await keyed('second');
  expect(stored?.isNew).toBe(true);
  expect(await broker.inspector.counts('second')).toMatchObject({ published: 1 });
  expect(await broker.inspector.counts('first')).toMatchObject({ published: 0 });
  expect(await redis.pttl(slot)).toBeGreaterThan(50_000);
  expect(await keyed('first')).toEqual([{ id: stored?.id, isNew: false, queue: 'second' }]);
  expect(await keyed('second')).toEqual([{ id: stored?.id, isNew: false }]);
});

it('a client of the application is used, and left open', async () => {
  const client = server.client();
  const broker = open({ client });
  await broker.publish([envelope()]);
  const subscription = await broker.subscribe('q', {});
  await drain(subscription, 1);
  await broker.close();
  expect(await client.ping()).toBe('PONG');
  client.disconnect();
});

it('a queued job of 107 bytes takes little memory', async () => {
  const broker = open();
  const used = async () => Number(/used_memory_dataset:(\d+)/.exec(await redis.info('memory'))?.[1]);
  const headers = { 'brokkr-task': 'sendEmail', 'brokkr-at': String(Date.now()) };
  await broker.publish([envelope()]);
  const before = await used();
  for (let batch = 0; batch < 20; batch++) {
    await broker.publish(Array.from({ length: 500 }, () => envelope({ headers, body: Buffer.alloc(107, 'x') })));
  }
  const bytes = ((await used()) - before) / 10_000;
  expect(bytes).toBeLessThan(400);
});
