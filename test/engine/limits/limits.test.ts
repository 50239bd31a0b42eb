import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { testApp } from '@brokkr/broker-memory/testing';
import { RateLimitError, TaskManager } from '@brokkr/core';
import type { Broker, LimitStore } from '@brokkr/core/adapter';
import { afterEach, describe, expect, it, vi } from 'vitest';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

function manager(): TaskManager {
  const tm = TaskManager.getInstance(`limits-${randomUUID()}`);
  closers.push(() => tm.close());
  return tm;
}

function appOf(...tasks: object[]) {
  const app = testApp({ tasks, concurrency: 50 });
  closers.push(() => app.close());
  return app;
}

const times = (count: number, args: unknown[] = []) => Array.from({ length: count }, () => args as []);

describe('a rate', () => {
  it('of one a second starts exactly 60 messages in a minute, and 60 more in the next', async () => {
    const tm = manager();
    const limit = tm.limit({ name: 'one', rate: 1, per: '1s' });
    let runs = 0;
    const task = tm.task({ name: 't', limits: [limit] }, async () => void runs++);
    const app = appOf(task);
    await task.sendMany(times(200));
    await app.advance('1m');
    expect(runs).toBe(60);
    await app.advance('1m');
    expect(runs).toBe(120);
    await app.drain();
    expect(runs).toBe(200);
  });

  it('of 100 a second with a burst of 10 starts at most 110 in the first second, and 100 in each further one', async () => {
    const tm = manager();
    const limit = tm.limit({ name: 'hundred', rate: 100, burst: 10 });
    let runs = 0;
    const task = tm.task({ name: 't', limits: [limit] }, async () => void runs++);
    const app = appOf(task);
    await task.sendMany(times(300));
    await app.advance('1s');
    expect(runs).toBeLessThanOrEqual(110);
    expect(runs).toBeGreaterThan(105);
    await app.advance('1s');
    expect(runs).toBeLessThanOrEqual(210);
    expect(runs).toBeGreaterThan(205);
  });

  it('of 100 a second without a burst starts 100 in each virtual second: none is late', async () => {
    const tm = manager();
    const limit = tm.limit({ name: 'even', rate: 100 });
    let runs = 0;
    const task = tm.task({ name: 't', limits: [limit] }, async () => void runs++);
    const app = appOf(task);
    await task.sendMany(times(600));
    for (let second = 1; second <= 5; second++) {
      await app.advance('1s');
      expect(runs).toBe(second * 100);
    }
  });

  it('counts each key by itself, and shares a limit between tasks', async () => {
    const tm = manager();
    const tenant = tm.limit({ name: 'tenant', rate: 1, per: '1m' });
    const seen: string[] = [];
    const options = { limits: (id: string) => [tenant.for(id)] };
    const one = tm.task({ name: 'one', ...options }, async (id: string) => void seen.push(id));
    const two = tm.task({ name: 'two', queueName: 'other', ...options }, async (id: string) => void seen.push(id));
    const app = appOf(one, two);
    for (const id of ['a', 'b', 'c']) {
      await one.send(id);
      await two.send(id);
    }
    await app.advance('30s');
    expect(seen.sort()).toEqual(['a', 'b', 'c']);
    await app.advance('31s');
    expect(seen.sort()).toEqual(['a', 'a', 'b', 'b', 'c', 'c']);
  });

  it('parks a message without an attempt, a crash or an event, and says by which limit', async () => {
    const tm = manager();
    const limit = tm.limit({ name: 'slow', rate: 1, per: '1h' });
    const task = tm.task({ name: 't', limits: [limit], maxRetries: 0 }, async () => undefined);
    const events: string[] = [];
    for (const event of ['retrying', 'dead', 'leaseLost'] as const) tm.on(event, () => events.push(event));
    const app = appOf(task);
    await task.sendMany(times(3));
    await app.advance('1m');
    const { items } = (await app.broker.inspector?.page('default', 'delayed', { limit: 10 })) ?? { items: [] };
    expect(items.map(({ envelope }) => envelope.headers['brokkr-limited'])).toEqual(['slow', 'slow']);
    expect(items.every(({ envelope }) => envelope.headers['brokkr-attempt'] === undefined)).toBe(true);
    await app.drain();
    expect(events).toEqual([]);
    expect(await app.broker.inspector?.counts('default')).toMatchObject({ acknowledged: 3, dead: 0 });
  });
});

describe('a concurrency', () => {
  it('never runs more than its slots, per key, and frees them after failures too', async () => {
    const tm = manager();
    const customer = tm.limit({ name: 'customer', concurrency: 2 });
    const running = new Map<string, number>();
    let worst = 0;
    let ends = 0;
    const task = tm.task(
      { name: 't', maxRetries: 2, retryDelay: '1s', limits: (id) => [customer.for(id)] },
      async (id: string, fails: boolean) => {
        running.set(id, (running.get(id) ?? 0) + 1);
        worst = Math.max(worst, running.get(id) as number);
        await new Promise((resolve) => setTimeout(resolve, 1));
        running.set(id, (running.get(id) as number) - 1);
        if (fails) throw new Error('failed');
        ends++;
      },
    );
    const app = appOf(task);
    for (let each = 0; each < 10; each++) {
      await task.send('a', false);
      await task.send('b', each === 3);
    }
    await app.drain();
    expect(worst).toBe(2);
    expect(ends).toBe(19);
    expect((await app.broker.limits?.usage())?.every(({ held, waiting }) => held === 0 && waiting === 0)).toBe(true);
  });

  it('of a queue holds for all messages of the queue, whatever their task', async () => {
    const tm = manager();
    tm.limit({ queue: 'emails', concurrency: 1 });
    let running = 0;
    let worst = 0;
    const handler = async () => {
      worst = Math.max(worst, ++running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running--;
    };
    const one = tm.task({ name: 'one', queueName: 'emails' }, handler);
    const two = tm.task({ name: 'two', queueName: 'emails' }, async () => handler());
    const app = appOf(one, two);
    await one.sendMany(times(5));
    await two.sendMany(times(5));
    await app.drain();
    expect(worst).toBe(1);
    expect(await app.broker.inspector?.counts('emails')).toMatchObject({ acknowledged: 10 });
  });

  it.each([
    ['rate', { rate: 1, per: '1s' }],
    ['concurrency', { concurrency: 1 }],
  ] as const)('of a queue takes one permit of a %s for a task that names it too', async (_kind, rule) => {
    const tm = manager();
    const limit = tm.limit({ queue: 'emails', ...rule });
    let runs = 0;
    const task = tm.task({ name: 't', queueName: 'emails', limits: () => [limit, limit] }, async () => void runs++);
    const app = appOf(task);
    await task.sendMany(times(60));
    await app.advance('1m');
    expect(runs).toBe(60);
    expect(await app.broker.limits?.usage()).toMatchObject([{ held: 0, waiting: 0 }]);
  });

  it('makes the next message ready when a slot is free, whatever the lane of both', async () => {
    const tm = manager();
    const slots = tm.limit({ name: 'slots', concurrency: 1 });
    let runs = 0;
    const task = tm.task({ name: 't', priorities: true, limits: [slots] }, async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      runs++;
    });
    const app = appOf(task);
    for (const priority of ['high', 'normal', 'low'] as const) await task.with({ priority }).sendMany(times(4));
    // By its own time the first message in line would come back after two seconds.
    await app.advance('1s');
    expect(runs).toBe(12);
  });

  it('makes messages of every lane ready when a rate is changed', async () => {
    const tm = manager();
    const rate = tm.limit({ name: 'slow', rate: 1, per: '1d' });
    let runs = 0;
    const task = tm.task({ name: 't', priorities: true, limits: [rate] }, async () => void runs++);
    const app = appOf(task);
    for (const priority of ['high', 'normal', 'low'] as const) await task.with({ priority }).sendMany(times(4));
    await app.advance('10s');
    expect(runs).toBe(1);
    await tm.limits().set('slow', { rate: 10, per: '1s' });
    await app.advance('10s');
    expect(runs).toBe(12);
  });

  it('holds together with a rate: slots are given back to messages that wait for the rate', async () => {
    const tm = manager();
    const slots = tm.limit({ name: 'slots', concurrency: 1 });
    const rate = tm.limit({ name: 'rate', rate: 1, per: '1s' });
    let runs = 0;
    const both = tm.task({ name: 'both', limits: [rate, slots] }, async () => void runs++);
    const slotOnly = tm.task({ name: 'slot-only', limits: [slots] }, async () => void runs++);
    const app = appOf(both, slotOnly);
    await both.sendMany(times(5));
    await slotOnly.sendMany(times(5));
    await app.advance('500ms');
    expect(runs).toBe(6);
    await app.drain();
    expect(runs).toBe(10);
  });
});

describe('RateLimitError', () => {
  it('stops the clock of its key: nothing of it starts before, no attempt is counted, others go on', async () => {
    const tm = manager();
    const stripe = tm.limit({ name: 'stripe', rate: 10, per: '1s', burst: 10 });
    const seen: [string, number][] = [];
    let refused = false;
    const task = tm.task({ name: 't', maxRetries: 0, limits: (key) => [stripe.for(key)] }, async (key: string) => {
      if (key === 'a' && !refused) {
        refused = true;
        throw new RateLimitError(stripe.for('a'), '60');
      }
      seen.push([key, app.now().getTime() - start]);
    });
    const app = appOf(task);
    const start = app.now().getTime();
    await task.send('a');
    await app.advance('1s');
    await task.sendMany([['a'], ['b']]);
    await app.advance('30s');
    expect(seen.map(([key]) => key)).toEqual(['b']);
    await app.drain();
    expect(seen.map(([key]) => key)).toEqual(['b', 'a', 'a']);
    expect(seen.filter(([key]) => key === 'a').every(([, at]) => at >= 60_000 && at < 61_000)).toBe(true);
    expect(app.dead('default')).toEqual([]);
  });

  it.each([
    ['30', 30_000],
    ['250ms', 250],
    [30, 30_000],
    [null, 10_000],
    [undefined, 10_000],
    ['not a date', 10_000],
    ['99999999999999999999', 86_400_000],
    ['7d', 86_400_000],
    [new Date(0), 1],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 1],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 1],
    ['Sun Nov  6 08:49:37 1994', 1],
    ['1.5', 2_000],
    ['0.5', 1_000],
    ['120.0', 120_000],
    ['-5', 10_000],
    ['-1.5', 10_000],
    ['12,5', 10_000],
    ['1e3', 10_000],
    ['+5', 10_000],
    ['10 5', 10_000],
    ['2001', 2_001_000],
    ['2001-01-01', 10_000],
    ['Sat, 99 Foo 2040 00:00:00 GMT', 10_000],
  ])('reads retryAfter %j', (retryAfter, ms) => {
    const limit = manager().limit({ name: 'l', concurrency: 1 });
    expect(new RateLimitError(limit, retryAfter).delayMs).toBe(ms);
  });

  it('reads an HTTP date as the time until then', () => {
    const limit = manager().limit({ name: 'l', concurrency: 1 });
    const at = new Date(Date.now() + 60_000).toUTCString();
    const [weekday, day, month, year, time] = at.replace(',', '').split(' ');
    const older = `${weekday}day, ${day}-${month}-${year?.slice(2)} ${time} GMT`;
    const asctime = `${weekday} ${month} ${day?.replace(/^0/, ' ')} ${time} ${year}`;
    for (const text of [at, older, asctime]) {
      const error = new RateLimitError(limit, text);
      expect(error.delayMs).toBeGreaterThan(30_000);
      expect(error.delayMs).toBeLessThanOrEqual(60_000);
    }
  });

  it('refuses a value that is not a limit, and a number that is not a duration', () => {
    const limit = manager().limit({ name: 'l', concurrency: 1 });
    expect(() => new RateLimitError({ name: 'l', key: '' })).toThrow(
      expect.objectContaining({ code: 'LIMITS_INVALID' }),
    );
    for (const bad of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => new RateLimitError(limit, bad)).toThrow(expect.objectContaining({ code: 'DURATION_INVALID' }));
  });
});

describe('a message without limits', () => {
  it('makes no call to the store of limits', async () => {
    const broker = new MemoryBroker();
    const calls: string[] = [];
    const store = broker.limits as LimitStore & Record<string, unknown>;
    const spied = Object.fromEntries(
      (['acquire', 'renew', 'release', 'call', 'waiting', 'hold', 'usage', 'reschedule'] as const).map((name) => [
        name,
        (...args: never[]) => {
          calls.push(name);
          return (store[name] as (...given: never[]) => unknown)(...args);
        },
      ]),
    ) as unknown as LimitStore;
    const tm = manager();
    await tm.initialize({ broker: decorated(broker, { limits: spied }), logLevel: 'silent' });
    tm.limit({ name: 'unused', rate: 1 });
    let runs = 0;
    const plain = tm.task({ name: 'plain' }, async () => void runs++);
    const limited = tm.task(
      { name: 'limited', limits: [tm.limit({ name: 'l', concurrency: 9 })] },
      async () => void runs++,
    );
    await tm.createWorker({ concurrency: 10 }).start();
    await plain.sendMany(times(50));
    await vi.waitFor(() => expect(runs).toBe(50));
    // At its start a worker looks for messages that wait for a rate, so that it can call them.
    expect(calls.splice(0)).toEqual(['waiting']);
    await limited.send();
    await vi.waitFor(() => expect(calls).toEqual(['acquire', 'release']));
  });
});

describe('a store of limits that is unreachable', () => {
  it('lets limited messages wait and others run, and loses none', async () => {
    const broker = new MemoryBroker();
    let isAway = true;
    const store = broker.limits as LimitStore;
    const limits: LimitStore = {
      acquire: (...args) => (isAway ? Promise.reject(new Error('connection refused')) : store.acquire(...args)),
      renew: (...args) => store.renew(...args),
      release: (...args) => store.release(...args),
      call: (lines) => store.call(lines),
      waiting: (which) => store.waiting(which),
      hold: (...args) => store.hold(...args),
      usage: () => store.usage(),
      reschedule: (limit, rule) => store.reschedule(limit, rule),
    };
    const tm = manager();
    await tm.initialize({ broker: decorated(broker, { limits }), logLevel: 'silent' });
    const seen: string[] = [];
    const limit = tm.limit({ name: 'l', concurrency: 2 });
    const limited = tm.task({ name: 'limited', limits: [limit] }, async () => void seen.push('limited'));
    const plain = tm.task({ name: 'plain' }, async () => void seen.push('plain'));
    await tm.createWorker({ concurrency: 4 }).start();
    await limited.sendMany(times(8));
    await plain.sendMany(times(8));
    await vi.waitFor(() => expect(seen).toEqual(Array(8).fill('plain')));
    expect(await broker.inspector.counts('default')).toMatchObject({ dead: 0 });
    isAway = false;
    await vi.waitFor(() => expect(seen).toHaveLength(16), 10_000);
    await vi.waitFor(async () => expect((await store.usage())[0]?.held).toBe(0));
  });

  it('is missing where a limit needs one: a send and the start of a worker reject with STORE_MISSING', async () => {
    const tm = manager();
    await tm.initialize({ broker: decorated(new MemoryBroker(), { limits: undefined }), logLevel: 'silent' });
    const task = tm.task({ name: 't', limits: [tm.limit({ name: 'l', concurrency: 2 })] }, async () => undefined);
    await expect(task.send()).rejects.toMatchObject({
      code: 'STORE_MISSING',
      message: expect.stringContaining('task t'),
    });
    await expect(tm.createWorker().start()).rejects.toMatchObject({ code: 'STORE_MISSING' });
  });
});

function decorated(broker: MemoryBroker, parts: Partial<Broker>): Broker {
  return {
    ...broker,
    publish: broker.publish.bind(broker),
    subscribe: broker.subscribe.bind(broker),
    close: broker.close.bind(broker),
    ...parts,
  };
}
