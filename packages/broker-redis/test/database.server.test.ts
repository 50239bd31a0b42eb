import { randomUUID } from 'node:crypto';
import { ConfigError } from '@brokkr/core';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { freePort, RedisServer } from '../../../test/support/redis-server.ts';
import { RedisBroker, type RedisBrokerOptions } from '../src/index.ts';

const server = await RedisServer.start({ args: ['--databases', '4'] });
const redis = server.client();
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

const opened: { close(): Promise<void> }[] = [];
beforeEach(async () => {
  await redis.flushall();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

function open(options: RedisBrokerOptions): RedisBroker {
  const broker = new RedisBroker(options);
  opened.push(broker);
  return broker;
}

function message(queue: string): { id: string; queue: string; body: Buffer; headers: Record<string, string> } {
  return { id: randomUUID(), queue, body: Buffer.from('[]'), headers: {} };
}

/** Returns the keys of all databases. */
async function keys(client: Redis = redis): Promise<number> {
  const counts = [...(await client.info('keyspace')).matchAll(/keys=(\d+)/g)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

it.each(['/99', '?db=99', '/4'])(
  '%s is reported immediately at every call, and nothing is stored anywhere',
  async (where) => {
    const broker = open({ url: `${server.url}${where}`, sendTimeoutMs: 60_000 });
    const calls = [
      () => broker.publish([message('q')]),
      () => broker.publish([{ ...message('q'), idempotencyKey: 'k' }]),
      () => broker.inspector.queues(),
      () => broker.diagnostics.diagnose(),
      () => broker.states.set('key', 'value'),
      async () => {
        const subscription = await broker.subscribe('q', {});
        await subscription.receive(1, { signal: AbortSignal.timeout(5_000), wait: true });
      },
    ];
    for (const call of calls) {
      const refused: unknown = await call().catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(ConfigError);
      expect(refused).toMatchObject({
        code: 'DATABASE_UNKNOWN',
        message: expect.stringMatching(/no database (99|4) \(ERR DB index is out of range\).*raise databases/),
      });
    }
    expect(await keys()).toBe(0);
  },
);

it('reports an unknown database even if the send timeout is 20 ms', async () => {
  const broker = open({ url: `${server.url}/99`, sendTimeoutMs: 20 });
  await expect(broker.inspector.queues()).rejects.toMatchObject({ code: 'DATABASE_UNKNOWN' });
  for (let call = 0; call < 20; call++) {
    await expect(broker.publish([message('q')])).rejects.toMatchObject({ code: 'DATABASE_UNKNOWN' });
  }
  expect(await keys()).toBe(0);
});

it('a user that may not select is refused, and does not use database 0', async () => {
  await redis.acl('SETUSER', 'bound', 'on', '>pw', '~*', '&*', '+@all', '-select');
  const broker = open({ url: `redis://bound:pw@127.0.0.1:${server.port}/2`, sendTimeoutMs: 60_000 });
  for (let call = 0; call < 2; call++) {
    await expect(broker.publish([message('q')])).rejects.toMatchObject({ code: 'BROKER_REFUSED' });
  }
  expect(await keys()).toBe(0);
});

it('a client of the application that connected before is not used either', async () => {
  const client = new Redis({ host: '127.0.0.1', port: server.port, db: 99 });
  client.on('error', () => undefined);
  await client.ping();
  const broker = open({ client });
  for (let call = 0; call < 2; call++) {
    await expect(broker.publish([message('q')])).rejects.toMatchObject({ code: 'DATABASE_UNKNOWN' });
  }
  expect(await keys()).toBe(0);
  client.disconnect();
});

it('a client of the application keeps the database that it has selected since it connected', async () => {
  const own = new Redis({ port: server.port, db: 1 });
  try {
    await own.select(3);
    const broker = open({ client: own });
    await broker.publish([message('q')]);
    await own.set('theirs', 'x');
    expect(await own.info('keyspace')).not.toMatch(/db[012]:/);
    expect(await own.exists('theirs')).toBe(1);
  } finally {
    own.disconnect();
  }
});

it('a database that is missing after a restart is reported, waiting calls are not sent to another one, and work goes on once it exists again', async () => {
  const port = await freePort();
  const large = await RedisServer.start({ port, args: ['--databases', '4'] });
  opened.push({ close: () => large.stop() });
  const broker = open({ url: `${large.url}/3`, sendTimeoutMs: 60_000 });
  const subscription = await broker.subscribe('q', {});
  const waiting = subscription.receive(1, { signal: AbortSignal.timeout(20_000), wait: true });
  waiting.catch(() => undefined);
  await broker.publish([message('other')]);
  await large.stop();
  const unanswered = broker.publish([message('other')]);
  unanswered.catch(() => undefined);
  const small = await RedisServer.start({ port, args: ['--databases', '2'] });
  opened.push({ close: () => small.stop() });
  await expect(unanswered).rejects.toMatchObject({ code: 'DATABASE_UNKNOWN' });
  await expect(broker.publish([message('other')])).rejects.toMatchObject({ code: 'DATABASE_UNKNOWN' });
  const look = small.client();
  expect(await keys(look)).toBe(0);
  look.disconnect();
  await small.stop();
  const again = await RedisServer.start({ port, args: ['--databases', '4'] });
  opened.push({ close: () => again.stop() });
  await expect
    .poll(
      () =>
        broker.publish([message('other')]).then(
          () => 'stored',
          (error: Error) => error.message,
        ),
      { timeout: 10_000 },
    )
    .toBe('stored');
  expect(await broker.inspector.counts('other')).toMatchObject({ ready: 1 });
}, 30_000);

it('a server of a cluster has only database 0', async () => {
  const node = await RedisServer.start({ args: ['--cluster-enabled', 'yes'] });
  opened.push({ close: () => node.stop() });
  const broker = open({ url: `${node.url}/1`, sendTimeoutMs: 60_000 });
  await expect(broker.publish([message('q')])).rejects.toMatchObject({
    code: 'DATABASE_UNKNOWN',
    message: expect.stringMatching(/no database 1 \(.*cluster mode\); .*a cluster has 0 only/),
  });
});
