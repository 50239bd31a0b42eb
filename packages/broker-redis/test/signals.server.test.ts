import type { Signal } from '@brokkr/core/adapter';
import { Redis } from 'ioredis';
import { afterAll, afterEach, expect, it } from 'vitest';
import { RedisServer } from '../../../test/support/redis-server.ts';
import { TcpProxy } from '../../../test/support/tcp-proxy.ts';
import { OWN_OPTIONS } from '../src/connection/client-options.ts';
import { Subscriber } from '../src/connection/subscriber.ts';
import { RedisBroker, type RedisBrokerOptions } from '../src/index.ts';

const server = await RedisServer.start();
const redis = server.client();
const opened: RedisBroker[] = [];
afterEach(() => Promise.all(opened.splice(0).map((broker) => broker.close())));
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

function open(given: Partial<RedisBrokerOptions> = {}): RedisBroker {
  const broker = new RedisBroker({ url: server.url, ...given });
  opened.push(broker);
  return broker;
}

async function heardBy(broker: RedisBroker, onGap?: () => void): Promise<Signal[]> {
  const heard: Signal[] = [];
  await broker.signals.listen((signal) => void heard.push(signal), onGap);
  return heard;
}

const pause = (body: string): Signal => ({ topic: 'pause', body });

it('a listener hears signals again after its connection broke, and is notified of the gap first', async () => {
  const broker = open();
  const heard: (Signal | 'gap')[] = await heardBy(broker, () => heard.push('gap'));
  await broker.signals.send(pause('1'));
  await expect.poll(() => heard).toEqual([pause('1')]);
  await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  await expect.poll(() => heard.at(-1), { timeout: 5_000 }).toBe('gap');
  await broker.signals.send(pause('2'));
  await expect.poll(() => heard.slice(-2)).toEqual(['gap', pause('2')]);
});

it('a listener that stops right when its connection is back leaves no rejection behind', async () => {
  const proxy = await TcpProxy.open(server.port);
  const client = new Redis({ ...OWN_OPTIONS, port: proxy.port, enableOfflineQueue: true });
  const subscriber = new Subscriber(() => client);
  await subscriber.listen('channel', { hear: () => undefined });
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  process.on('unhandledRejection', note);
  try {
    const ended = new Promise((resolve) => client.once('end', resolve));
    client.once('ready', () => {
      // Nothing that the client sends now is answered before it disconnects.
      proxy.mode = 'half-open';
      subscriber.close();
    });
    proxy.reset();
    await ended;
    // Rejections without a listener are reported after the microtasks of this turn.
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).toEqual([]);
  } finally {
    await proxy.close();
    process.off('unhandledRejection', note);
  }
});

it('results and signals of a process share one connection', async () => {
  const broker = open();
  await heardBy(broker);
  const waiting = new AbortController();
  const loading = Promise.all(['a', 'b'].map((id) => broker.results.load(id, waiting.signal)));
  await expect.poll(() => redis.pubsub('CHANNELS', 'brokkr:result:*')).toHaveLength(2);
  expect(
    String(await redis.call('CLIENT', 'LIST', 'TYPE', 'pubsub'))
      .trim()
      .split('\n'),
  ).toHaveLength(1);
  waiting.abort();
  await loading;
  await expect.poll(() => redis.pubsub('CHANNELS', 'brokkr:*')).toEqual(['brokkr:signals']);
});

it('databases and key prefixes do not hear each other', async () => {
  const prefixed = server.client();
  prefixed.options.keyPrefix = 'other:';
  const others = [open({ url: `${server.url}/1` }), open(), open({ client: prefixed })];
  const [one, same, other] = await Promise.all(others.map((broker) => heardBy(broker)));
  const sender = open();
  await sender.signals.send(pause('1'));
  await expect.poll(() => same).toEqual([pause('1')]);
  expect([one, other]).toEqual([[], []]);
  prefixed.disconnect();
});

it('foreign messages on the channel and repeats are not heard', async () => {
  const broker = open();
  const heard = await heardBy(broker);
  for (const junk of ['', 'x', 'a b', ' 1 x', `pause 1 ${'x'.repeat(5_000)}`, 'pa/use 1 x', '\u0000 \u0000 \u0000']) {
    await redis.publish('brokkr:signals', junk);
  }
  for (const name of ['1', '1', '2']) await redis.publish('brokkr:signals', `pause ${name} a b`);
  await expect.poll(() => heard).toEqual([pause('a b'), pause('a b')]);
});

it('listening fails in time if Redis is unreachable', async () => {
  const broker = open({ url: 'redis://127.0.0.1:1', sendTimeoutMs: 200 });
  await expect(broker.signals.listen(() => undefined)).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' });
});
