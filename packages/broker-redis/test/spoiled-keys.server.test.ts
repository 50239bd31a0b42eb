import { randomUUID } from 'node:crypto';
import {
  deadLetterEnvelope,
  type Delivery,
  type Envelope,
  type Settlement,
  firstMessages,
  type Subscription,
} from '@brokkr/core/adapter';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RedisServer } from '../../../test/support/redis-server.ts';
import { RedisBroker } from '../src/index.ts';

const server = await RedisServer.start();
const redis = server.client();
const broker = new RedisBroker({ url: server.url });
let subscription: Subscription;
/** Deliveries that `subscription` holds in the snapshot with which every case begins. */
let held: readonly Delivery[];
let snapshot: ReadonlyMap<string, Buffer>;

const PREFIX = 'brokkr:{q}:';
const TYPES = {
  ready: 'list',
  delayed: 'zset',
  leases: 'zset',
  held: 'hash',
  messages: 'hash',
  crashes: 'hash',
  counts: 'hash',
  dead: 'zset',
  letters: 'hash',
  fence: 'string',
} as const;

/** Writes a value of each type of Redis. */
const JUNK: Readonly<Record<string, (key: string) => Promise<unknown>>> = {
  string: (key) => redis.set(key, 'junk'),
  list: (key) => redis.rpush(key, 'junk', 'junk'),
  hash: (key) => redis.hset(key, 'junk', 'junk'),
  set: (key) => redis.sadd(key, 'junk'),
  zset: (key) => redis.zadd(key, 1, 'junk'),
  stream: (key) => redis.xadd(key, '*', 'junk', 'junk'),
};

function envelope(given: Partial<Envelope> = {}): Envelope {
  return { id: randomUUID(), queue: 'q', body: Buffer.from('[1]'), headers: {}, ...given };
}

const now = { signal: new AbortController().signal, wait: false };
const settle = (kind: (delivery: Delivery) => Settlement) => async () => {
  const lost = await subscription.settle(held.slice(0, 2).map(kind));
  expect(lost).toEqual([]);
};
const inspector = broker.inspector;

/** Every call that changes or reads a queue. Together they run every script. */
const CALLS: Readonly<Record<string, () => Promise<unknown>>> = {
  'publish one': () => broker.publish([envelope()]),
  'publish many': () => broker.publish([envelope(), envelope(), envelope()]),
  'publish with delays and keys': () =>
    broker.publish([
      envelope(),
      envelope({ notBefore: Date.now() + 60_000 }),
      envelope({ idempotencyKey: 'new' }),
      envelope({ idempotencyKey: 'known' }),
    ]),
  claim: () => subscription.receive(5, now),
  acknowledge: settle((delivery) => ({ kind: 'ack', delivery })),
  retry: settle((delivery) => ({ kind: 'retry', delivery, replacement: delivery.envelope })),
  'retry later': settle((delivery) => ({
    kind: 'retry',
    delivery,
    replacement: { ...delivery.envelope, notBefore: Date.now() + 60_000 },
  })),
  release: settle((delivery) => ({ kind: 'release', delivery })),
  expire: settle((delivery) => ({ kind: 'expire', delivery })),
  'dead-letter': settle((delivery) => ({
    kind: 'dead-letter',
    delivery,
    reason: 'x',
    replacement: deadLetterEnvelope(delivery.envelope, 'x'),
  })),
  extend: async () => expect(await subscription.extend(held)).toEqual([]),
  cancel: () => broker.messages.cancel('q', ['ready-0', 'delayed-0', 'due-0', 'held-0', 'known', 'unknown']),
  'redrive named': () => inspector.redrive('q', ['dead-0', 'dead-1']),
  'redrive all': () => inspector.redrive('q', 'all'),
  'discard named': () => inspector.discard('q', ['dead-0', 'dead-1']),
  'discard all': () => inspector.discard('q', 'all'),
  purge: () => inspector.purge('q'),
  take: () => inspector.take('q', 8, async () => undefined),
  'release a worker': () => broker.workers.release('worker'),
  counts: () => inspector.counts('q'),
  find: () => broker.messages.find('q', ['ready-0', 'delayed-0', 'held-0', 'dead-0', 'unknown']),
  promote: () => broker.messages.promote('q', ['delayed-0', 'ready-0', 'unknown']),
  'take dead letters': () => inspector.take('q', 3, async () => undefined, { from: 'dead' }),
  'discard matching': () => inspector.discard('q', ({ id }) => id !== 'dead-1'),
  'pages of ready': () => firstMessages(inspector, 'q', 'ready', 100),
  'pages of delayed': () => firstMessages(inspector, 'q', 'delayed', 100),
  'pages of dead': () => firstMessages(inspector, 'q', 'dead', 100),
};

/** Everything that Redis stores, in a comparable form: the order inside a hash may change by itself. */
async function contents(): Promise<Readonly<Record<string, unknown>>> {
  // Without the slots of idempotency keys, which may be on another node and promise nothing.
  const keys = (await redis.keys('brokkr:*')).filter((key) => !key.startsWith('brokkr:key:')).sort();
  return Object.fromEntries(await Promise.all(keys.map(async (key) => [key, await content(key)] as const)));
}

async function content(key: string): Promise<unknown> {
  const type = await redis.type(key);
  switch (type) {
    case 'hash':
      return [type, await redis.hgetall(key)];
    case 'list':
      return [type, await redis.lrange(key, 0, -1)];
    case 'zset':
      return [type, await redis.zrange(key, 0, '-1', 'WITHSCORES')];
    case 'set':
      return [type, (await redis.smembers(key)).sort()];
    case 'stream':
      return [type, await redis.xrange(key, '-', '+')];
    default:
      return [type, await redis.get(key)];
  }
}

async function restore(): Promise<void> {
  await redis.flushall();
  for (const [key, bytes] of snapshot) await redis.restore(key, 0, bytes);
}

/** The result of a call, in the form that the test compares. */
async function outcome(call: () => Promise<unknown>): Promise<unknown> {
  return call().then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Ids of all messages and letters, wherever the queue keeps them. */
async function kept(): Promise<Set<string>> {
  const stored = await Promise.all(
    ['messages', 'letters'].map((name) => redis.hkeys(PREFIX + name).catch((): string[] => [])),
  );
  return new Set(stored.flat().filter((id) => id !== 'junk'));
}

beforeAll(async () => {
  const send = (name: string, count: number, given: Partial<Envelope> = {}) =>
    broker.publish(Array.from({ length: count }, (_, index) => envelope({ id: `${name}-${index}`, ...given })));
  subscription = await broker.subscribe('q', { leaseMs: 600_000, workerId: 'worker' });
  await send('dead', 3);
  const dying = await subscription.receive(3, now);
  await subscription.settle(
    dying.map((delivery) => ({
      kind: 'dead-letter',
      delivery,
      reason: 'x',
      replacement: deadLetterEnvelope(delivery.envelope, 'x'),
    })),
  );
  await broker.publish([envelope({ id: 'known', idempotencyKey: 'known' })]);
  await send('held', 3);
  held = (await subscription.receive(4, now)).toSorted((one, other) => one.fence - other.fence);
  const other = await broker.subscribe('q', { leaseMs: 600_000, workerId: 'other' });
  await send('lapsed', 3);
  expect(await other.receive(3, now)).toHaveLength(3);
  for (let index = 0; index < 3; index++) await redis.zadd(`${PREFIX}leases`, 1, `lapsed-${index}`);
  await redis.hset(`${PREFIX}crashes`, 'ready-0', '1');
  await send('due', 3, { notBefore: Date.now() + 1_000 });
  for (let index = 0; index < 3; index++) await redis.zadd(`${PREFIX}delayed`, 1, `due-${index}`);
  await send('delayed', 3, { notBefore: Date.now() + 3_600_000 });
  await send('ready', 8);
  const keys = await redis.keys('brokkr:*');
  snapshot = new Map(
    await Promise.all(keys.map(async (key) => [key, (await redis.dumpBuffer(key)) as Buffer] as const)),
  );
});
beforeEach(restore);
afterAll(async () => {
  await broker.close();
  redis.disconnect();
  await server.stop();
});

describe.each(Object.entries(CALLS))('%s', (name, call) => {
  it('changes nothing if a key has another type, and reports that key', async () => {
    let refused = 0;
    for (const [key, type] of Object.entries(TYPES)) {
      for (const [junkType, spoil] of Object.entries(JUNK)) {
        if (junkType === type) continue;
        await restore();
        await redis.del(PREFIX + key);
        await spoil(PREFIX + key);
        const before = await contents();
        const ids = await kept();
        const error = await outcome(call);
        const where = `${name}, ${key} is a ${junkType}`;
        if (error === undefined) {
          // It did not need that key. The junk is still there, and other messages only moved.
          expect(await redis.type(PREFIX + key), where).toBe(junkType);
          continue;
        }
        refused++;
        expect(error, where).toMatchObject({ code: 'KEY_SPOILED' });
        expect((error as Error).message, where).toContain(`${PREFIX}${key} `);
        expect(await kept(), where).toEqual(ids);
        expect(await contents(), where).toEqual(before);
      }
    }
    expect(refused).toBeGreaterThan(0);
  }, 60_000);
});

describe('junk values', () => {
  it.each(['junk', '-5', '1e3', '', '007', '00', '99999999999995', '99999999999999999999', 'nan'])(
    'a fence %j stops claims and dead letters, is reported, and changes nothing',
    async (value) => {
      await redis.set(`${PREFIX}fence`, value);
      const before = await contents();
      for (const name of ['claim', 'dead-letter']) {
        const error = await outcome(CALLS[name] as () => Promise<unknown>);
        expect(error, name).toMatchObject({ code: 'KEY_SPOILED' });
        expect((error as Error).message).toContain(`${PREFIX}fence holds a string that is not a whole number`);
        expect(await contents(), name).toEqual(before);
      }
    },
  );

  it('counters and crash counts that are not numbers start again, and stop no message', async () => {
    for (const field of ['published', 'acknowledged', 'discarded', 'purged', 'cancelled', 'expired'])
      await redis.hset(`${PREFIX}counts`, field, 'junk');
    expect(await inspector.counts('q')).toMatchObject({ published: undefined, ready: 3 + 8 });
    for (const id of await redis.hkeys(`${PREFIX}messages`)) await redis.hset(`${PREFIX}crashes`, id, 'junk');
    await broker.publish([envelope()]);
    await subscription.settle(held.map((delivery) => ({ kind: 'ack', delivery })));
    const claimed = await subscription.receive(100, now);
    expect(new Set(claimed.map(({ crashes }) => crashes))).toEqual(new Set([0, 1]));
    // Returned leases, due and ready messages, and the new one.
    expect(claimed).toHaveLength(3 + 3 + 8 + 1);
    expect(await inspector.counts('q')).toMatchObject({ published: 1, acknowledged: held.length });
  });

  it('a bell, a key or a slot of another type is overwritten, because it holds no data that could be lost', async () => {
    const keys = (await redis.keys('brokkr:*key:*')).concat(`${PREFIX}bell`);
    expect(keys).toHaveLength(3);
    for (const spoil of Object.values(JUNK)) {
      await restore();
      for (const key of keys) {
        await redis.del(key);
        await spoil(key);
      }
      const [receipt] = await broker.publish([envelope({ idempotencyKey: 'known' })]);
      expect(receipt?.isNew).toBe(true);
      expect(await broker.publish([envelope({ idempotencyKey: 'known' })])).toEqual([
        { id: receipt?.id, isNew: false },
      ]);
      expect((await subscription.receive(100, now)).length).toBeGreaterThan(0);
    }
  });

  it('an id that another client puts in line twice is delivered once at a time', async () => {
    await redis.rpush(`${PREFIX}ready`, 'ready-0', 'held-0', 'ready-0', '', 'ghost');
    const claimed = (await subscription.receive(100, now)).map(({ envelope: { id } }) => id);
    expect(claimed.filter((id) => id === 'ready-0')).toHaveLength(1);
    expect(claimed).not.toContain('held-0');
    expect(await redis.zrange(`${PREFIX}leases`, 0, '-1')).not.toContain('');
    const lost = await subscription.settle(held.map((delivery) => ({ kind: 'ack', delivery })));
    expect(lost).toEqual([]);
  });

  it('a message whose lease another client deleted is still held: it is renewed and acknowledged', async () => {
    await redis.del(`${PREFIX}leases`);
    expect(await subscription.extend(held)).toEqual([]);
    expect(await redis.zcard(`${PREFIX}leases`)).toBe(held.length);
    await redis.del(`${PREFIX}leases`);
    expect(await subscription.settle(held.map((delivery) => ({ kind: 'ack', delivery })))).toEqual([]);
  });

  it('junk in a stored line never stops a call, and is dead-lettered by the core', async () => {
    const lines = ['{"d":"00"}', '{"d":"', '{"h":1}\n', `${'['.repeat(10_000)}\n`, '\u0000', '{"d":"zz","h":{}}\n[]'];
    for (const [index, line] of lines.entries()) {
      await redis.hset(`${PREFIX}messages`, `junk-${index}`, line);
      await redis.rpush(`${PREFIX}ready`, `junk-${index}`);
    }
    expect(await firstMessages(inspector, 'q', 'ready', 100)).toHaveLength(3 + 8 + lines.length);
    expect((await subscription.receive(100, now)).length).toBe(3 + 3 + 8 + lines.length);
    await restore();
    for (const [index, line] of lines.entries()) {
      await redis.hset(`${PREFIX}messages`, `junk-${index}`, line);
      await redis.rpush(`${PREFIX}ready`, `junk-${index}`);
    }
    expect(await inspector.purge('q')).toBe(3 + 8 + lines.length);
  });
});

it.each(['string', 'list', 'set', 'zset', 'stream'])(
  'a record that is %s of another client is refused, and stays as it is',
  async (type) => {
    await redis.del('brokkr:record:r');
    await (JUNK[type] as (key: string) => Promise<unknown>)('brokkr:record:r');
    const refused = {
      code: 'KEY_SPOILED',
      message: expect.stringMatching(
        /brokkr:record:r holds .* keeps a hash there\. Nothing was changed\. Rename or delete/,
      ),
    };
    await expect(broker.records.read('r')).rejects.toMatchObject(refused);
    const change = { key: 'r', add: new Map([['a', Buffer.of(1)]]), ttlMs: 1_000 };
    await expect(broker.records.change([change])).rejects.toMatchObject(refused);
    await expect(broker.records.change([{ key: 'r', ttlMs: 0 }])).rejects.toMatchObject(refused);
    expect(await redis.type('brokkr:record:r')).toBe(type);
    expect(await redis.pttl('brokkr:record:r')).toBe(-1);
    await redis.del('brokkr:record:r');
  },
);

describe('doctor', () => {
  const codes = async () => [...new Set((await broker.diagnostics.diagnose()).map(({ code }) => code))];

  it('finds nothing to repair in a sound queue, and repairs nothing', async () => {
    expect(await codes()).toEqual([]);
    const before = await contents();
    expect(await broker.diagnostics.repair?.()).toEqual([]);
    expect(await contents()).toEqual(before);
  });

  it.each(Object.keys(TYPES))(
    'repairs %s after junk of any type, and no stored message is missing',
    async (key) => {
      for (const [junkType, spoil] of Object.entries(JUNK)) {
        if (junkType === TYPES[key as keyof typeof TYPES]) continue;
        await restore();
        await redis.del(PREFIX + key);
        await spoil(PREFIX + key);
        const ids = await kept();
        const findings = await broker.diagnostics.diagnose();
        expect(findings.find(({ code }) => code === 'KEY_SPOILED')?.message).toContain(`${PREFIX}${key} `);
        const repairs = (await broker.diagnostics.repair?.()) ?? [];
        expect(repairs.map(({ code }) => code)).toContain('KEY_SPOILED');
        expect(await redis.keys(`${PREFIX}${key}:spoiled:*`)).toHaveLength(1);
        expect(await codes()).toEqual([]);
        // Every stored message can be delivered: it is in one of the lines.
        const lines = await Promise.all([
          redis.lrange(`${PREFIX}ready`, 0, -1),
          redis.zrange(`${PREFIX}delayed`, 0, '-1'),
          redis.zrange(`${PREFIX}leases`, 0, '-1'),
          redis.zrange(`${PREFIX}dead`, 0, '-1'),
        ]);
        expect(new Set(lines.flat().filter((id) => ids.has(id)))).toEqual(ids);
        const claimed = await subscription.receive(100, now);
        expect(claimed.every(({ fence }) => fence > Math.max(...held.map((delivery) => delivery.fence)))).toBe(true);
      }
    },
    60_000,
  );

  it('puts messages back with their remaining delay and letters back on the list, and drops empty letters', async () => {
    await redis.del(`${PREFIX}delayed`);
    await redis.zrem(`${PREFIX}dead`, 'dead-1');
    await redis.hdel(`${PREFIX}letters`, 'dead-0');
    expect(await codes()).toEqual(['MESSAGES_STRANDED']);
    const repairs = (await broker.diagnostics.repair?.()) ?? [];
    expect(repairs.map(({ code, queue, count }) => ({ code, queue, count }))).toEqual([
      { code: 'MESSAGES_STRANDED', queue: 'q', count: 6 },
      { code: 'LETTERS_STRANDED', queue: 'q', count: 1 },
      { code: 'LETTERS_MISSING', queue: 'q', count: 1 },
    ]);
    expect(await redis.zrange(`${PREFIX}delayed`, 0, '-1')).toEqual(expect.arrayContaining(['delayed-0', 'delayed-2']));
    expect(await redis.zrange(`${PREFIX}dead`, 0, '-1')).toEqual(['dead-2', 'dead-1']);
  });

  it('leaves a message that a worker still holds to that worker', async () => {
    await redis.del(`${PREFIX}leases`);
    await broker.diagnostics.repair?.();
    const claimed = (await subscription.receive(100, now)).map(({ envelope: { id } }) => id);
    for (const { envelope: message } of held) expect(claimed).not.toContain(message.id);
    expect(await subscription.settle(held.map((delivery) => ({ kind: 'ack', delivery })))).toEqual([]);
  });

  it('reports entries of the list of queues that are not queue names, and shows the others', async () => {
    await redis.sadd('brokkr:queues', 'not a name', '\u0000', 'q.dead');
    expect(await inspector.queues()).toEqual(['q']);
    expect(await codes()).toEqual(['QUEUE_LIST_JUNK']);
    expect(await broker.workers.release('nobody')).toBe(0);
  });

  it('puts a queue back on the list of queues after the list was overwritten', async () => {
    await redis.set('brokkr:queues', 'junk');
    await expect(inspector.queues()).rejects.toMatchObject({ code: 'KEY_SPOILED' });
    expect(await codes()).toEqual(['KEY_SPOILED']);
    const repairs = (await broker.diagnostics.repair?.()) ?? [];
    expect(repairs.map(({ code }) => code)).toEqual(['KEY_SPOILED', 'QUEUE_UNLISTED']);
    expect(await inspector.queues()).toEqual(['q']);
  });
});

it('a queue is listed again after FLUSHALL by processes that used it before', async () => {
  await broker.publish([envelope()]);
  await redis.flushall();
  expect(await inspector.queues()).toEqual([]);
  await broker.publish([envelope()]);
  expect(await inspector.queues()).toEqual(['q']);
  await redis.flushall();
  await broker.publish([envelope({ notBefore: Date.now() + 60_000 })]);
  expect(await inspector.queues()).toEqual(['q']);
});
