import { TaskManager } from '@brokkr/core';
import type { Limit } from '@brokkr/core/adapter';
import type { LimitDemand, PermitRequest } from '@brokkr/core/adapter';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { RedisServer } from '../../../test/support/redis-server.ts';
import { RedisBroker } from '../src/index.ts';

const server = await RedisServer.start();
const redis = server.client();
const broker = new RedisBroker({ url: server.url });
const PREFIX = 'brokkr:limit:{limit:}:';
const MESSAGES = 20;
const SLOTS = 2;
const RATE = { rate: 50, per: '1s', burst: 5 } as const;
/** How long the messages may take on a busy machine: a waiter of another client keeps its place for the 5 s of grace. */
const WITHIN_MS = 20_000;
const DAY_MS = 86_400_000;

type Spoil = (key: string) => Promise<unknown>;
const text =
  (value: string): Spoil =>
  (key) =>
    redis.set(key, value);
const scores =
  (score: number | string): Spoil =>
  (key) =>
    redis.zadd(key, score, 'junk', score, 'other', score, 'q junk');
const list: Spoil = (key) => redis.rpush(key, 'junk');
const aHash: Spoil = (key) => redis.hset(key, 'junk', 'junk');
const NUMBERS = ['inf', '-inf', 'nan', '1e300', '-1e300', '9223372036854775807', 'junk', ''];
const numbers = Object.fromEntries(NUMBERS.map((value) => [JSON.stringify(value), text(value)]));
const types = { 'a list': list, 'a hash': aHash };
const sets = {
  'three scores of +inf': scores('+inf'),
  'three scores of 1e300': scores('1e300'),
  'three scores of -inf': scores('-inf'),
  'a string': text('junk'),
  ...types,
};

const stops = { 'an end in 5138': text('99999999999999 5'), 'no number': text('1..2 3'), ...types };

/** By key of a limit: the values that another client writes. */
const OF_SLOTS: Readonly<Record<string, Readonly<Record<string, Spoil>>>> = {
  held: { ...sets, 'a month ahead': (key) => scores(Date.now() + 30 * DAY_MS)(key) },
  wait: { ...sets, 'three places at the head': scores(0) },
  back: sets,
  avg: { ...numbers, ...types },
  stop: stops,
};
const OF_RATES: Readonly<Record<string, Readonly<Record<string, Spoil>>>> = {
  plan: { ...numbers, ...types, 'a week ahead': (key) => redis.set(key, Date.now() + 7 * DAY_MS) },
  tat: { ...numbers, ...types, 'a week ahead': (key) => redis.set(key, Date.now() + 7 * DAY_MS) },
  res: { ...sets, 'three places at the head': (key) => scores(Date.now() - 1)(key) },
  call: { ...sets, 'three calls now': (key) => scores(Date.now())(key) },
  stop: {
    ...stops,
    'more time stopped than has passed': (key) => redis.set(key, `${Date.now()} 99999999999999`),
  },
};

const rowsOf = (keys: typeof OF_SLOTS) =>
  Object.entries(keys).flatMap(([key, junk]) =>
    Object.entries(junk).map(([name, spoil]) => [key, name, spoil] as const),
  );

let namespaces = 0;

/** Sends the messages of a limited task, after `spoil`, and waits until all have run. */
async function runAll(
  limitOf: (manager: TaskManager) => Limit,
  spoil: (prefix: string) => Promise<unknown>,
): Promise<{ readonly starts: readonly number[]; readonly most: number; readonly ran: number }> {
  const namespace = `junk-${++namespaces}`;
  const manager = TaskManager.getInstance(namespace);
  await manager.initialize({ brokerUrl: server.url, namespace, lease: '2s', logLevel: 'silent' });
  try {
    const starts: number[] = [];
    let running = 0;
    let most = 0;
    const run = async () => {
      starts.push(performance.now());
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 10));
      running--;
    };
    const task = manager.task({ name: 't', queueName: 'q', limits: [limitOf(manager)] }, run);
    await spoil(`${namespace}:limit:{limit:}:`);
    await task.sendMany(Array.from({ length: MESSAGES }, () => []));
    const worker = manager.createWorker({ queues: ['q'], concurrency: 10 });
    await worker.start();
    await vi.waitFor(() => expect(starts).toHaveLength(MESSAGES), WITHIN_MS).catch(() => undefined);
    return { starts, most, ran: starts.length };
  } finally {
    await manager.close();
  }
}

beforeEach(() => redis.flushall());
afterAll(async () => {
  await broker.close();
  redis.disconnect();
  await server.stop();
});

describe.each(Object.entries(OF_SLOTS))('the key %s of a limit of slots', (key, junk) => {
  it(`runs ${MESSAGES} messages after junk of any kind, ${SLOTS} at a time`, async () => {
    const ran = await Promise.all(
      Object.entries(junk).map(async ([name, spoil]) => {
        const limit = (manager: TaskManager) => manager.limit({ name: 'limit', concurrency: SLOTS });
        const report = await runAll(limit, (prefix) => spoil(prefix + key));
        return [name, { ran: report.ran, isWithin: report.most <= SLOTS }] as const;
      }),
    );
    expect(Object.fromEntries(ran)).toEqual(
      Object.fromEntries(Object.keys(junk).map((name) => [name, { ran: MESSAGES, isWithin: true }])),
    );
  }, 30_000);
});

describe.each(Object.entries(OF_RATES))('the key %s of a limit of a rate', (key, junk) => {
  it(`runs ${MESSAGES} messages after junk of any kind, at the rate`, async () => {
    const ran = await Promise.all(
      Object.entries(junk).map(async ([name, spoil]) => {
        const limit = (manager: TaskManager) => manager.limit({ name: 'limit', ...RATE });
        const { starts, ran } = await runAll(limit, (prefix) => spoil(prefix + key));
        // All but the burst need an interval each; the test reads its clock a little after the server.
        const leastMs = ((MESSAGES - RATE.burst) * 1_000) / RATE.rate - 100;
        return [name, { ran, isWithin: (starts.at(-1) ?? 0) - (starts[0] ?? 0) >= leastMs }] as const;
      }),
    );
    expect(Object.fromEntries(ran)).toEqual(
      Object.fromEntries(Object.keys(junk).map((name) => [name, { ran: MESSAGES, isWithin: true }])),
    );
  }, 30_000);
});

describe('a limit in use', () => {
  const slots: LimitDemand = { limit: 'limit', key: '', rule: { kind: 'concurrency', slots: 1 } };
  const rate: LimitDemand = { limit: 'limit', key: '', rule: { kind: 'rate', intervalMs: 1_000, burst: 1 } };
  let tokens = 0;
  const ask = async (demand: LimitDemand, ids: readonly string[], promotes = true) => {
    const requests = ids.map((id): PermitRequest => ({ token: `t${++tokens}`, queue: 'q', id, demands: [demand] }));
    const { refusals } = await broker.limits.acquire(requests, { leaseMs: 60_000, promotes });
    return refusals.map((refusal) => refusal?.waitMs ?? 0);
  };
  const line = () => redis.zrange(`${PREFIX}wait`, 0, '-1');

  it.each(
    rowsOf({
      wait: { 'a score of "inf"': scores('inf'), 'a score in ten days': scores((Date.now() + 10 * DAY_MS) * 1_000) },
    }),
  )('puts a new message behind those in line after %s has got %s', async (key, _, spoil) => {
    await ask(slots, ['holder', 'b', 'a']);
    await spoil(PREFIX + key);
    await ask(slots, ['0', '1']);
    expect((await line()).slice(0, 4)).toEqual(['q b', 'q a', 'q 0', 'q 1']);
    expect(await redis.pttl(PREFIX + key)).toBeGreaterThan(0);
  });

  it('keeps the slot of a permit, and grants no second one, after junk next to it', async () => {
    expect(await ask(slots, ['holder'])).toEqual([0]);
    await redis.zadd(`${PREFIX}held`, '+inf', 'junk', '-inf', 'other');
    expect((await ask(slots, ['second']))[0]).toBeGreaterThan(0);
    expect(await redis.zcard(`${PREFIX}held`)).toBe(1);
    await redis.zadd('brokkr:limits', Date.now(), 'limit ');
    expect((await broker.limits.usage())[0]).toMatchObject({ held: 1, waiting: 1 });
  });

  it('keeps the permit of a worker with a longer lease', async () => {
    await redis.zadd(`${PREFIX}held`, Date.now() + 3 * DAY_MS, 'long');
    expect((await ask(slots, ['second']))[0]).toBeGreaterThan(0);
    expect(await redis.zrange(`${PREFIX}held`, 0, '-1')).toEqual(['long']);
  });

  it('lets a member without a time lose its place, if waiters are not promoted', async () => {
    await redis.zadd(`${PREFIX}wait`, '-inf', 'q junk');
    await redis.zadd(`${PREFIX}back`, '+inf', 'q junk');
    await ask(slots, ['a'], false);
    const backAt = Number(await redis.zscore(`${PREFIX}back`, 'q junk'));
    expect(backAt - Date.now()).toBeLessThanOrEqual(30_100);
    await redis.zadd(`${PREFIX}back`, 1, 'q junk');
    expect(await ask(slots, ['a'], false)).toEqual([0]);
  });

  it('gives a message a new time if its own is out of bounds', async () => {
    expect(await ask(rate, ['a', 'b'])).toEqual([0, expect.any(Number)]);
    await redis.zadd(`${PREFIX}res`, Date.now() + 7 * DAY_MS, 'q b');
    const [waitMs] = await ask(rate, ['b']);
    expect(waitMs).toBeGreaterThan(0);
    expect(waitMs).toBeLessThanOrEqual(3_000);
  });

  it.each(['inf', '1e300', String(Date.now() + 7 * DAY_MS)])(
    'names the next message within an interval after the time of the next call became %s',
    async (value) => {
      expect(await ask(rate, ['a', 'b'])).toEqual([0, expect.any(Number)]);
      await redis.set(`${PREFIX}plan`, value);
      const { againMs } = await broker.limits.call([rate]);
      expect(againMs[0]).toBeGreaterThan(0);
      expect(againMs[0]).toBeLessThanOrEqual(1_101);
    },
  );

  it('charges starts by a slower rule of before', async () => {
    const slow: LimitDemand = { ...rate, rule: { kind: 'rate', intervalMs: 3_600_000, burst: 1 } };
    expect(await ask(slow, ['a'])).toEqual([0]);
    expect((await ask(rate, ['b']))[0]).toBeGreaterThan(3_000_000);
  });

  it('keeps a stop of a day', async () => {
    await broker.limits.hold('limit', '', DAY_MS);
    expect((await ask(slots, ['a']))[0]).toBeGreaterThan(DAY_MS - 60_000);
    expect((await ask(slots, ['a']))[0]).toBeGreaterThan(DAY_MS - 60_000);
    expect(await line()).toEqual(['q a']);
  });
});
