import type { WorkerReport } from '@brokkr/core/adapter';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { RedisServer } from '../../../test/support/redis-server.ts';
import { RedisBroker } from '../src/index.ts';

const server = await RedisServer.start();
const redis = server.client();
const broker = new RedisBroker({ url: server.url });
const { workers } = broker;
beforeEach(() => redis.flushall());
afterAll(async () => {
  await broker.close();
  redis.disconnect();
  await server.stop();
});

function report(id: string): WorkerReport {
  return {
    id,
    host: 'h',
    pid: 1,
    version: '1',
    startedAt: 1,
    state: 'running',
    queues: { q: 1 },
    paused: [],
    concurrency: 1,
    running: [],
    runningCount: 0,
    totals: [],
    rssBytes: 1,
    loopDelayMs: 1,
  };
}

const BEATS = 'brokkr:{workers}:beats';
const REPORTS = 'brokkr:{workers}:reports';

it('a thousand workers report less often, and all are read', async () => {
  const ids = Array.from({ length: 1_000 }, (_, index) => `w-${index}`);
  const wanted = await Promise.all(ids.map((id) => workers.report(report(id), 60_000)));
  expect(wanted[0]).toEqual({ nextMs: 5_000 });
  expect(wanted.at(-1)).toEqual({ nextMs: 10_000 });
  expect((await workers.reports()).map((aged) => aged.report.id).sort()).toEqual(ids.sort());
});

it('keys of other types and junk are no obstacle, and junk is not shown', async () => {
  for (const key of [BEATS, REPORTS]) {
    await redis.set(key, 'junk');
    expect(await workers.reports()).toEqual([]);
    await redis.set(key, 'junk');
    await workers.report(report('w'), 60_000);
    expect(await workers.reports()).toHaveLength(1);
  }
  const junk = ['', 'x', '1 ', '1 {}', '1 null', 'x {}', `1 ${JSON.stringify({ ...report('x'), totals: [null] })}`];
  for (const [index, text] of junk.entries()) {
    await redis.hset(REPORTS, `junk-${index}`, text);
    await redis.zadd(BEATS, 1e15, `junk-${index}`);
  }
  await redis.zadd(BEATS, '+inf', 'without a report');
  expect((await workers.reports()).map((aged) => aged.report.id)).toEqual(['w']);
});

it('the keys end with the last report', async () => {
  await workers.report(report('long'), 60_000);
  await workers.report(report('short'), 1_000);
  for (const key of [BEATS, REPORTS]) expect(await redis.pttl(key)).toBeGreaterThan(50_000);
});
