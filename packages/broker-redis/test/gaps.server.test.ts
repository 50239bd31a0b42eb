import type { Envelope } from '@brokkr/core/adapter';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { RedisServer } from '../../../test/support/redis-server.ts';
import { RedisBroker } from '../src/index.ts';

const server = await RedisServer.start();
const redis = server.client();
const broker = new RedisBroker({ url: server.url });
const { inspector, messages } = broker;
beforeEach(() => redis.flushall());
afterAll(async () => {
  await broker.close();
  redis.disconnect();
  await server.stop();
});

const now = { signal: new AbortController().signal, wait: false };

async function send(ids: readonly string[], given: Partial<Envelope> = {}): Promise<void> {
  await broker.publish(ids.map((id) => ({ id, queue: 'q', body: Buffer.from('[]'), headers: {}, ...given })));
}

async function idsOf(limit = 100): Promise<string[]> {
  const subscription = await broker.subscribe('q', {});
  const deliveries = await subscription.receive(limit, now);
  expect(await subscription.settle(deliveries.map((delivery) => ({ kind: 'ack', delivery })))).toEqual([]);
  await subscription.close();
  return deliveries.map(({ envelope }) => envelope.id);
}

/** Published messages are acknowledged, cancelled, purged, or still there. */
async function expectConserved(): Promise<void> {
  const counts = await inspector.counts('q');
  const { ready = 0, delayed = 0, running = 0, dead = 0 } = counts;
  const { acknowledged = 0, discarded = 0, purged = 0, cancelled = 0, expired = 0 } = counts;
  const all = ready + delayed + running + dead + acknowledged + discarded + purged + cancelled + expired;
  expect(all).toBe(counts.published);
}

const abcde = ['a', 'b', 'c', 'd', 'e'];

it('a message that is cancelled in the middle of the line is neither counted, shown, found nor delivered', async () => {
  await send(abcde);
  expect(await messages.cancel('q', ['c', 'b', 'unknown'])).toEqual(['c', 'b']);
  expect(await messages.cancel('q', ['c'])).toEqual([]);
  expect(await inspector.counts('q')).toMatchObject({ ready: 3, cancelled: 2 });
  expect(await messages.find('q', ['b'])).toEqual([]);
  expect(await messages.unfinished('q', abcde)).toEqual(['a', 'd', 'e']);
  const { items } = await inspector.page('q', 'ready', { limit: 10 });
  expect(items.map(({ envelope }) => envelope.id)).toEqual(['a', 'd', 'e']);
  expect(await idsOf()).toEqual(['a', 'd', 'e']);
  expect(await redis.keys('brokkr:{q}:messages')).toEqual([]);
  expect(await redis.hget('brokkr:{q}:counts', 'gaps')).toBe('0');
  await expectConserved();
});

it('a claim of one message skips gaps in the same call', async () => {
  await send(abcde);
  await messages.cancel('q', ['b', 'c', 'd']);
  expect(await idsOf(1)).toEqual(['a']);
  expect(await idsOf(1)).toEqual(['e']);
});

it('messages that are cancelled at the ends of the line leave nothing behind', async () => {
  await send(abcde);
  await messages.cancel('q', ['b', 'd']);
  expect(await redis.llen('brokkr:{q}:ready')).toBe(5);
  await messages.cancel('q', ['a', 'e']);
  expect(await redis.lrange('brokkr:{q}:ready', 0, -1)).toEqual(['c']);
  await messages.cancel('q', ['c']);
  expect((await redis.keys('brokkr:{q}:*')).sort()).toEqual(['brokkr:{q}:bell', 'brokkr:{q}:counts']);
  await expectConserved();
});

it.each([
  ['one', async () => send(['c'])],
  ['many', async () => send(['f', 'c', 'c'])],
  ['with a key', async () => send(['c'], { idempotencyKey: 'k' })],
])('a message that is sent again after it was cancelled runs once (%s)', async (_name, sendAgain) => {
  await send(abcde);
  await messages.cancel('q', ['c']);
  await sendAgain();
  expect((await inspector.counts('q')).ready).toBeGreaterThanOrEqual(5);
  expect((await idsOf()).filter((id) => id === 'c')).toEqual(['c']);
  expect(await idsOf()).toEqual([]);
  await expectConserved();
});

it('a message that is sent again with a delay after it was cancelled waits', async () => {
  await send(abcde);
  await messages.cancel('q', ['c']);
  await send(['c'], { notBefore: Date.now() + 60_000 });
  expect(await inspector.counts('q')).toMatchObject({ ready: 4, delayed: 1 });
  expect(await idsOf()).toEqual(['a', 'b', 'd', 'e']);
  expect(await inspector.counts('q')).toMatchObject({ ready: 0, delayed: 1 });
  await expectConserved();
});

it('purge and take go past gaps', async () => {
  await send(abcde);
  await messages.cancel('q', ['b', 'c']);
  const moved: string[] = [];
  expect(await inspector.take('q', 2, async (envelopes) => void moved.push(...envelopes.map(({ id }) => id)))).toBe(2);
  expect(moved).toEqual(['a', 'd']);
  await send(['f', 'g', 'h']);
  await messages.cancel('q', ['g']);
  expect(await inspector.purge('q')).toBe(3);
  expect(await inspector.counts('q')).toMatchObject({ ready: 0, purged: 5, cancelled: 3 });
  await expectConserved();
});

it('a gap of a line that was lost is closed by the repair, and no message is missing', async () => {
  await send(abcde);
  await messages.cancel('q', ['c']);
  await redis.del('brokkr:{q}:ready');
  expect((await broker.diagnostics.repair?.())?.map(({ code, count }) => [code, count])).toEqual([
    ['MESSAGES_STRANDED', 4],
  ]);
  expect((await idsOf()).sort()).toEqual(['a', 'b', 'd', 'e']);
  await expectConserved();
});

it('cancels in the middle of a long line take the server less than 10 ms', async () => {
  const count = 200_000;
  for (let from = 0; from < count; from += 10_000) {
    await send(Array.from({ length: 10_000 }, (_, index) => `m-${from + index}`));
  }
  await redis.config('SET', 'slowlog-log-slower-than', '10000');
  await redis.slowlog('RESET');
  const ids = Array.from({ length: 200 }, (_, index) => `m-${count - 1_000 + index}`);
  expect(await messages.cancel('q', ids)).toEqual(ids);
  expect(await redis.slowlog('LEN')).toBe(0);
}, 60_000);
