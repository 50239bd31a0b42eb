import { setTimeout as sleep } from 'node:timers/promises';
import { firstMessages } from '@brokkr/core/adapter';
import type { ChainableCommander, Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { FaultBench, figures, until } from './fault-bench.ts';
import { RedisFaultServer } from './redis-fault-broker.ts';

/** How long junk stays: many calls of every kind are made in that time, and no lease of 2 s ends. */
const JUNK_MS = 250;
/** Jobs that wait while junk is written. */
const BACKLOG = 150;

/** Writes junk of one type. */
type Spoil = (redis: ChainableCommander, key: string) => unknown;

const JUNK: Readonly<Record<string, Spoil>> = {
  string: (redis, key) => redis.set(key, 'junk'),
  'empty string': (redis, key) => redis.set(key, ''),
  number: (redis, key) => redis.set(key, '-1'),
  list: (redis, key) => redis.rpush(key, 'junk', '', '0'),
  hash: (redis, key) => redis.hset(key, 'junk', 'junk', '', ''),
  set: (redis, key) => redis.sadd(key, 'junk', '', '0'),
  zset: (redis, key) => redis.zadd(key, 1, 'junk', '-inf', '', 'inf', '0'),
  stream: (redis, key) => redis.xadd(key, '*', 'junk', 'junk'),
};

/** Keys of a queue, and the kinds of junk that have the right type for each. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  ready: ['list'],
  delayed: ['zset'],
  leases: ['zset'],
  held: ['hash'],
  messages: ['hash'],
  crashes: ['hash'],
  counts: ['hash'],
  dead: ['zset'],
  letters: ['hash'],
  fence: [],
  bell: ['list'],
};

/** Messages themselves are in `messages`: junk in its place has overwritten them, and nothing can bring them back. */
const REPAIRABLE = Object.keys(KEYS).filter((key) => key !== 'messages' && key !== 'letters');

interface Load {
  /** Stops sending. @returns how many sends of 25 jobs were refused, and how many jobs are started twice by their retry */
  readonly end: () => Promise<{ readonly refused: number; readonly retried: number }>;
}

describe('junk in every key of a queue under load', () => {
  const cleanUps: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
  });

  async function open(): Promise<{ bench: FaultBench; redis: Redis; key: (name: string) => string }> {
    const server = await RedisFaultServer.start();
    cleanUps.push(() => server.stop());
    const bench = new FaultBench(server);
    cleanUps.push(() => bench.close());
    const redis = server.redis.client();
    cleanUps.push(async () => redis.disconnect());
    return { bench, redis, key: (name) => `${bench.namespace}:{${bench.queue}}:${name}` };
  }

  /** Two workers, and jobs of which every other one fails first and is retried later. */
  async function load(bench: FaultBench): Promise<Load> {
    bench.worker();
    bench.worker();
    let refused = 0;
    let retried = 0;
    let ended = false;
    const sending = (async () => {
      for (let batch = 0; !ended; batch++) {
        const { ready } = await bench.counts().catch(() => ({ ready: 0 }));
        const task = batch % 2 === 0 ? 'job' : 'failing';
        if ((ready ?? 0) < BACKLOG) {
          await bench.send(25, 5, task).then(
            () => {
              if (task === 'failing') retried += 25;
            },
            () => {
              refused++;
            },
          );
        }
        await sleep(10);
      }
    })();
    await until(() => bench.notes().length > 200, 20_000, 'the workers work');
    return {
      end: async () => {
        ended = true;
        await sending;
        return { refused, retried };
      },
    };
  }

  async function allDone(bench: FaultBench, boundMs: number): Promise<void> {
    await until(async () => (await bench.lost()) === 0, boundMs, 'every confirmed job has ended');
    const left = async () => {
      const { ready, delayed, running } = await bench.counts();
      return { ready, delayed, running };
    };
    await expect.poll(left, { timeout: boundMs, interval: 100 }).toEqual({ ready: 0, delayed: 0, running: 0 });
  }

  it('instead of the value, which is restored later: nothing is lost and nothing needs repair', async () => {
    const { bench, redis, key } = await open();
    const { end } = await load(bench);
    let spoiled = 0;
    for (const [name, fitting] of Object.entries(KEYS)) {
      for (const [kind, spoil] of Object.entries(JUNK)) {
        if (fitting.includes(kind)) continue;
        const aside = key(`${name}-aside`);
        // RENAME fails if there is no value now: then there is nothing to bring back.
        const spoiling = redis.multi().rename(key(name), aside);
        spoil(spoiling, key(name));
        const answers = (await spoiling.exec()) ?? [];
        await sleep(JUNK_MS);
        const mending = redis.multi().del(key(name));
        if (answers[0]?.[0] === null) mending.rename(aside, key(name));
        await mending.exec();
        spoiled++;
        // Refused calls are repeated.
        await sleep(50);
      }
    }
    const { refused, retried } = await end();
    await allDone(bench, 60_000);
    const broker = await bench.broker();
    const findings = ((await broker.diagnostics?.diagnose()) ?? []).map(({ code }) => code);
    figures('junk in place of each value, which comes back', {
      keys: Object.keys(KEYS).length,
      'times spoiled': spoiled,
      sent: bench.sent,
      'sends refused': refused,
      lost: await bench.lost(),
      'extra starts': bench.extraStarts() - retried,
      dead: (await bench.counts()).dead ?? Number.NaN,
    });
    expect(findings).toEqual([]);
    // A handler whose worker could not settle for a whole lease counts as a crash; three of them make a dead letter.
    const letters = await firstMessages(broker.inspector, bench.queue, 'dead', 100);
    expect(
      letters.map(({ headers }) => headers['brokkr-reason']).filter((reason) => !reason?.startsWith('crashed')),
    ).toEqual([]);
    expect(await bench.lost()).toBe(0);
  }, 240_000);

  it('over the value, which is lost: doctor --repair brings back every message', async () => {
    const { bench, redis, key } = await open();
    const { end } = await load(bench);
    const broker = await bench.broker();
    const repaired = new Map<string, number>();
    let spoiled = 0;
    for (const name of REPAIRABLE) {
      for (const kind of ['string', 'stream', 'set']) {
        const spoiling = redis.multi().del(key(name));
        (JUNK[kind] as Spoil)(spoiling, key(name));
        await spoiling.exec();
        await sleep(JUNK_MS);
        for (const { code, count } of (await broker.diagnostics?.repair?.()) ?? [])
          repaired.set(code, (repaired.get(code) ?? 0) + count);
        spoiled++;
        await sleep(50);
      }
    }
    const { refused, retried } = await end();
    await allDone(bench, 90_000);
    figures('junk over each value, which is gone', {
      keys: REPAIRABLE.length,
      'times spoiled': spoiled,
      sent: bench.sent,
      'sends refused': refused,
      'keys renamed': repaired.get('KEY_SPOILED') ?? 0,
      'messages put back': repaired.get('MESSAGES_STRANDED') ?? 0,
      lost: await bench.lost(),
      'extra starts': bench.extraStarts() - retried,
      dead: (await bench.counts()).dead ?? Number.NaN,
    });
    expect(repaired.get('MESSAGES_STRANDED')).toBeGreaterThan(0);
    expect(await bench.lost()).toBe(0);
  }, 240_000);

  it('beside the values, in keys of the right type: only the junk is dropped', async () => {
    const { bench, redis, key } = await open();
    const { end } = await load(bench);
    for (let round = 0; round < 20; round++) {
      const ghost = `ghost-${round}`;
      const known = await redis.lindex(key('ready'), -1);
      await redis
        .multi()
        .lpush(key('ready'), ghost, '', ghost)
        .rpush(key('ready'), known ?? ghost)
        .zadd(key('delayed'), 1, ghost, '-inf', `${ghost}-a`, 'inf', `${ghost}-b`)
        .zadd(key('leases'), 1, ghost, '-inf', `${ghost}-c`)
        .hset(key('held'), ghost, 'junk', `${ghost}-d`, '', `${ghost}-e`, '99999999999999999999 x')
        .hset(key('crashes'), ghost, 'junk', known ?? ghost, 'inf')
        .hset(key('counts'), 'acknowledged', 'junk', ghost, '1')
        .zadd(key('dead'), 1, ghost)
        .lpush(key('bell'), 'junk', '')
        .exec();
      await sleep(100);
      await redis
        .multi()
        .zrem(key('delayed'), `${ghost}-b`)
        .hdel(key('held'), ghost, `${ghost}-d`, `${ghost}-e`)
        .hdel(key('counts'), ghost)
        .zrem(key('dead'), ghost)
        .exec();
    }
    const { refused, retried } = await end();
    await allDone(bench, 60_000);
    const broker = await bench.broker();
    await broker.diagnostics?.repair?.();
    figures('junk beside each value', {
      sent: bench.sent,
      'sends refused': refused,
      lost: await bench.lost(),
      'extra starts': bench.extraStarts() - retried,
      dead: (await bench.counts()).dead ?? Number.NaN,
    });
    expect((await bench.counts()).dead).toBe(0);
    expect(await bench.lost()).toBe(0);
  }, 120_000);
});
