import { randomUUID } from 'node:crypto';
import type { Delivery, Envelope, Subscription } from '@brokkr/core/adapter';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { RedisServer } from '../../../test/support/redis-server.ts';
import { TcpProxy } from '../../../test/support/tcp-proxy.ts';
import { RedisBroker } from '../src/index.ts';

const server = await RedisServer.start();
const redis = server.client();
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

let proxy: TcpProxy;
let broker: RedisBroker;

beforeEach(async () => {
  await redis.flushall();
  proxy = await TcpProxy.open(server.port);
  // A silent socket is closed after the send timeout, which these tests wait for.
  broker = new RedisBroker({ url: `redis://127.0.0.1:${proxy.port}`, sendTimeoutMs: 1_000 });
  // Every call is made once, so that the server has the scripts, and only the call itself fails later.
  const warm = await broker.subscribe('q', {});
  await broker.publish([envelope()]);
  const [delivery] = (await receive(warm)) as [Delivery];
  await warm.settle([{ kind: 'retry', delivery, replacement: delivery.envelope }]);
  await warm.close();
  await redis.flushall();
});
afterEach(async () => {
  proxy.mode = 'pass';
  await broker.close();
  await proxy.close();
});

function envelope(): Envelope {
  return { id: randomUUID(), queue: 'q', body: Buffer.from('[1]'), headers: {} };
}

function receive(subscription: Subscription): Promise<readonly Delivery[]> {
  return subscription.receive(10, { signal: AbortSignal.timeout(20_000), wait: true });
}

/** Returns the keys and their contents, as another client sees them. */
async function standing(): Promise<Readonly<Record<string, number>>> {
  return { ready: await redis.llen('brokkr:{q}:ready'), running: await redis.zcard('brokkr:{q}:leases') };
}

/** Waits until the server has run the call whose answer is lost, then breaks the connections. */
async function loseAnswer(done: Readonly<Record<string, number>>): Promise<void> {
  await expect.poll(standing, { timeout: 5_000, interval: 1 }).toEqual(done);
  proxy.mode = 'pass';
  proxy.reset();
}

it('a publish whose answer was lost stores one message', async () => {
  proxy.mode = 'swallow-replies';
  const sent = broker.publish([envelope(), envelope()]);
  await loseAnswer({ ready: 2, running: 0 });
  expect((await sent).map(({ isNew }) => isNew)).toEqual([true, true]);
  expect(await broker.inspector.counts('q')).toMatchObject({ published: 2, ready: 2 });
});

it('a claim whose answer was lost is not a crash: the same messages are delivered to the same consumer', async () => {
  const subscription = await broker.subscribe('q', { leaseMs: 30_000 });
  await broker.publish([envelope(), envelope()]);
  proxy.mode = 'swallow-replies';
  const claimed = receive(subscription);
  await loseAnswer({ ready: 0, running: 2 });
  const deliveries = await claimed;
  expect(deliveries.map(({ crashes, fence }) => [crashes, fence])).toEqual([
    [0, 1],
    [0, 2],
  ]);
  expect(await broker.inspector.counts('q')).toMatchObject({ running: 2, ready: 0 });
});

it('a settlement whose answer was lost takes effect once, and is never reported as lost', async () => {
  const subscription = await broker.subscribe('q', { leaseMs: 30_000 });
  await broker.publish([envelope()]);
  const [delivery] = (await receive(subscription)) as [Delivery];
  proxy.mode = 'swallow-replies';
  const settled = subscription.settle([{ kind: 'retry', delivery, replacement: delivery.envelope }]);
  await loseAnswer({ ready: 1, running: 0 });
  // The repeat was answered with a lost lease, which the first call may have caused.
  await expect(settled).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' });
  expect(await broker.inspector.counts('q')).toMatchObject({ ready: 1, running: 0, delayed: 0 });
});

it('consumer and sender reconnect after a connection that died silently', async () => {
  const subscription = await broker.subscribe('q', {});
  // A worker does the same: it repeats a fetch that failed.
  const waiting = receive(subscription).catch(() => receive(subscription));
  await expect.poll(async () => String(await redis.client('LIST')).includes('cmd=blpop')).toBe(true);
  proxy.mode = 'half-open';
  await expect(broker.publish([envelope()])).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' });
  proxy.mode = 'pass';
  const backAt = performance.now();
  await expect
    .poll(() => broker.publish([envelope()]).then(() => 'sent', String), { timeout: 8_000, interval: 50 })
    .toBe('sent');
  const senderBackMs = performance.now() - backAt;
  expect(await waiting).not.toHaveLength(0);
  expect(senderBackMs).toBeLessThan(4_000);
  // An idle consumer looks after six seconds at most.
  expect(performance.now() - backAt).toBeLessThan(8_000);
}, 40_000);
