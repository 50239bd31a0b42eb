import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { TaskManager } from '@brokkr/core';
import type { Limit } from '@brokkr/core/adapter';
import { afterEach, describe, expect, it } from 'vitest';

const managers: TaskManager[] = [];
afterEach(async () => {
  await Promise.all(managers.splice(0).map((tm) => tm.close()));
});

function manager(): TaskManager {
  const tm = TaskManager.getInstance(`limit-options-${randomUUID()}`);
  tm.configure({ broker: new MemoryBroker(), logLevel: 'silent' });
  managers.push(tm);
  return tm;
}

describe('tm.limit refuses', () => {
  it.each([
    ['no rule', { name: 'l' }, 'LIMIT_INVALID'],
    ['no name', { rate: 1 }, 'LIMIT_INVALID'],
    ['an empty name', { name: '', rate: 1 }, 'LIMIT_INVALID'],
    ['a name with other characters', { name: 'a b', rate: 1 }, 'LIMIT_INVALID'],
    ['a name with the mark of a queue', { name: 'queue:a', rate: 1 }, 'LIMIT_INVALID'],
    ['a long name', { name: 'a'.repeat(61), rate: 1 }, 'LIMIT_INVALID'],
    ['name and queue', { name: 'l', queue: 'q', rate: 1 }, 'LIMIT_INVALID'],
    ['a reserved queue', { queue: 'q.dead', rate: 1 }, 'QUEUE_NAME_RESERVED'],
    ['the lane of a queue', { queue: 'q.prio.high', rate: 1 }, 'QUEUE_NAME_RESERVED'],
    ['rate and concurrency', { name: 'l', rate: 1, concurrency: 1 }, 'LIMIT_INVALID'],
    ['a burst without a rate', { name: 'l', concurrency: 1, burst: 2 }, 'LIMIT_INVALID'],
    ['a rate of 0', { name: 'l', rate: 0 }, 'LIMIT_INVALID'],
    ['a negative rate', { name: 'l', rate: -1 }, 'LIMIT_INVALID'],
    ['a rate that is NaN', { name: 'l', rate: Number.NaN }, 'LIMIT_INVALID'],
    ['an infinite rate', { name: 'l', rate: Number.POSITIVE_INFINITY }, 'LIMIT_INVALID'],
    ['a fraction', { name: 'l', rate: 1.5 }, 'LIMIT_INVALID'],
    ['a text', { name: 'l', rate: '5' }, 'LIMIT_INVALID'],
    ['more than a million a second', { name: 'l', rate: 2_000_000 }, 'LIMIT_INVALID'],
    ['an absurd rate in a short time', { name: 'l', rate: 100_000, per: '1ms' }, 'LIMIT_INVALID'],
    ['a time of 0', { name: 'l', rate: 1, per: 0 }, 'LIMIT_INVALID'],
    ['a time that cannot be read', { name: 'l', rate: 1, per: 'soon' }, 'DURATION_INVALID'],
    ['a time of years', { name: 'l', rate: 1, per: '365d' }, 'LIMIT_INVALID'],
    ['a burst of null', { name: 'l', rate: 1, burst: null }, 'LIMIT_INVALID'],
    ['a time of null', { name: 'l', rate: 1, per: null }, 'DURATION_INVALID'],
    ['a burst of 0', { name: 'l', rate: 1, burst: 0 }, 'LIMIT_INVALID'],
    ['a burst that is NaN', { name: 'l', rate: 1, burst: Number.NaN }, 'LIMIT_INVALID'],
    ['a concurrency of 0', { name: 'l', concurrency: 0 }, 'LIMIT_INVALID'],
    ['a negative concurrency', { name: 'l', concurrency: -1 }, 'LIMIT_INVALID'],
    ['a concurrency of NaN', { name: 'l', concurrency: Number.NaN }, 'LIMIT_INVALID'],
    ['an infinite concurrency', { name: 'l', concurrency: Number.POSITIVE_INFINITY }, 'LIMIT_INVALID'],
    ['an absurd concurrency', { name: 'l', concurrency: 1e9 }, 'LIMIT_INVALID'],
    ['a misspelled option', { name: 'l', concurency: 1 }, 'OPTION_UNKNOWN'],
    ['no options', undefined, 'OPTIONS_INVALID'],
  ])('%s', (_what, options, code) => {
    const tm = manager();
    expect(() => tm.limit(options as { name: string })).toThrow(expect.objectContaining({ code }));
  });

  it('a known name with other options, and returns the known limit for the same ones', () => {
    const tm = manager();
    const limit = tm.limit({ name: 'l', rate: 1 });
    expect(tm.limit({ name: 'l', rate: 1, per: '1s', burst: 1 })).toBe(limit);
    expect(() => tm.limit({ name: 'l', rate: 2 })).toThrow(expect.objectContaining({ code: 'LIMIT_DEFINED_TWICE' }));
  });
});

describe('limit.for refuses', () => {
  it.each([undefined, null, 7, '', 'x'.repeat(201), {}, '\ud800'])('%j', (key) => {
    const limit = manager().limit({ name: 'l', concurrency: 1 });
    expect(() => limit.for(key as string)).toThrow(expect.objectContaining({ code: 'LIMIT_KEY_INVALID' }));
  });
});

describe('the task option limits', () => {
  it.each([
    ['a limit without a list', (limit: Limit) => limit],
    ['another value in the list', () => [{ name: 'l', key: '' }]],
    ['an async function', () => async () => []],
    ['the same limit twice', (limit: Limit) => [limit, limit.for('k'), limit]],
    ['the same key twice', (limit: Limit) => [limit.for('k'), limit.for('k')]],
    ['too many', (limit: Limit) => Array.from({ length: 9 }, (_, index) => limit.for(`k${index}`))],
  ])('refuses %s when the task is defined', (_what, limitsOf) => {
    const tm = manager();
    const limits = limitsOf(tm.limit({ name: 'l', concurrency: 1 })) as never;
    expect(() => tm.task({ name: 't', limits }, async () => undefined)).toThrow(
      expect.objectContaining({ code: 'LIMITS_INVALID', message: expect.stringContaining('task t: limits') }),
    );
  });

  it('names the limit and the key that a list names twice', () => {
    const tm = manager();
    const limit = tm.limit({ name: 'l', concurrency: 1 });
    expect(() => tm.task({ name: 't', limits: [limit.for('a'), limit.for('a')] }, async () => undefined)).toThrow(
      'task t: limits must name each limit once; got l with the key "a" twice',
    );
  });

  it('refuses a limit of another manager when the task is defined', () => {
    const theirs = manager().limit({ name: 'theirs', concurrency: 1 });
    expect(() => manager().task({ name: 't', limits: [theirs] }, async () => undefined)).toThrow(
      expect.objectContaining({ code: 'LIMITS_INVALID', message: expect.stringContaining('theirs') }),
    );
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no tenant');
      },
      'LIMITS_FAILED',
    ],
    ['returns a promise', () => Promise.resolve([]), 'LIMITS_INVALID'],
    ['returns nothing', () => undefined, 'LIMITS_INVALID'],
    ['returns a limit of another manager', () => [manager().limit({ name: 'theirs', rate: 1 })], 'LIMITS_INVALID'],
  ])('rejects a send whose function %s, and sends nothing', async (_what, limits, code) => {
    const broker = new MemoryBroker();
    const tm = TaskManager.getInstance(`limit-options-${randomUUID()}`);
    tm.configure({ broker, logLevel: 'silent' });
    managers.push(tm);
    const task = tm.task({ name: 't', limits: limits as never }, async () => undefined);
    await expect(task.send()).rejects.toMatchObject({ code, message: expect.stringContaining('task t') });
    await expect(task.sendMany([[]])).rejects.toMatchObject({ code });
    expect(await broker.inspector.counts('default')).toMatchObject({ published: 0 });
  });

  it('sends a limit once that its function returns twice', async () => {
    const broker = new MemoryBroker();
    const tm = TaskManager.getInstance(`limit-options-${randomUUID()}`);
    tm.configure({ broker, logLevel: 'silent' });
    managers.push(tm);
    const account = tm.limit({ name: 'account', concurrency: 1 });
    const limits = (from: string, to: string) => [account.for(from), account.for(to)];
    const task = tm.task({ name: 't', limits }, async (_from: string, _to: string) => undefined);
    await task.send('a', 'a');
    const { items } = await broker.inspector.page('default', 'ready', { limit: 1 });
    expect(items[0]?.envelope.headers['brokkr-limit']).toBe('[["account","a"]]');
  });

  it('sends the limits in a header, with their keys', async () => {
    const broker = new MemoryBroker();
    const tm = TaskManager.getInstance(`limit-options-${randomUUID()}`);
    tm.configure({ broker, logLevel: 'silent' });
    managers.push(tm);
    const [one, two] = [tm.limit({ name: 'one', rate: 1 }), tm.limit({ name: 'two', concurrency: 1 })];
    const task = tm.task({ name: 't', limits: (id) => [one, two.for(id)] }, async (_id: string) => undefined);
    await task.send('"é"');
    const { items } = await broker.inspector.page('default', 'ready', { limit: 1 });
    expect(items[0]?.envelope.headers['brokkr-limit']).toBe(
      JSON.stringify([
        ['one', ''],
        ['two', '"é"'],
      ]),
    );
  });
});

describe('tm.limits()', () => {
  it('sets a rule that wins over the code in running workers, until it is reset', async () => {
    const tm = manager();
    const limit = tm.limit({ name: 'slots', concurrency: 1 });
    let running = 0;
    let most = 0;
    const go: (() => void)[] = [];
    const task = tm.task({ name: 't', limits: [limit] }, async () => {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => go.push(resolve));
      running--;
    });
    await tm.createWorker({ concurrency: 10 }).start();
    await task.sendMany(Array.from({ length: 6 }, () => []));
    await expect.poll(() => running).toBe(1);
    await tm.limits().set('slots', { concurrency: 3 });
    for (const end of go.splice(0)) end();
    await expect.poll(() => running, { timeout: 8_000 }).toBe(3);
    expect(await tm.limits().setOptions('slots')).toEqual({ concurrency: 3 });
    await tm.limits().reset('slots');
    expect(await tm.limits().setOptions('slots')).toBeUndefined();
    const finish = setInterval(() => {
      for (const end of go.splice(0)) end();
    }, 5);
    await expect.poll(() => running, { timeout: 8_000 }).toBe(0);
    clearInterval(finish);
    expect(most).toBe(3);
  }, 20_000);

  it('makes messages ready that wait for a time of the old rate', async () => {
    const tm = manager();
    const limit = tm.limit({ name: 'rate', rate: 1, per: '1h' });
    let runs = 0;
    const task = tm.task({ name: 't', limits: [limit] }, async () => void runs++);
    await tm.createWorker().start();
    await task.sendMany([[], [], []]);
    await expect.poll(() => runs).toBe(1);
    await expect.poll(async () => (await tm.queue('default').counts()).delayed).toBe(2);
    await tm.limits().set('rate', { rate: 1_000, burst: 1_000_000 });
    await expect.poll(() => runs, { timeout: 8_000 }).toBe(3);
  }, 20_000);

  it.each([
    ['a b', { rate: 1 }],
    ['rate', { rate: 0 }],
    ['rate', {}],
    ['rate', { rate: 1, concurrency: 1 }],
  ])('refuses for %j the options %j', async (name, options) => {
    await expect(manager().limits().set(name, options)).rejects.toMatchObject({ code: 'LIMIT_INVALID' });
  });

  it.each([
    [null, 'OPTIONS_INVALID'],
    [{ rats: 1 }, 'OPTION_UNKNOWN'],
  ])('refuses %j instead of options', async (options, code) => {
    await expect(
      manager()
        .limits()
        .set('rate', options as never),
    ).rejects.toMatchObject({ code });
  });

  it('changes nothing without a store that counts permits, and names no task', async () => {
    const broker = new MemoryBroker();
    Object.defineProperty(broker, 'limits', { value: undefined });
    const tm = TaskManager.getInstance(`limit-options-${randomUUID()}`);
    tm.configure({ broker, logLevel: 'silent' });
    managers.push(tm);
    const missing = {
      code: 'STORE_MISSING',
      message:
        'a limit needs a store, but this broker has no part limits; set TASK_STORE_URL to a store that has it, such as redis://',
    };
    await expect(tm.limits().set('l', { rate: 1 })).rejects.toMatchObject(missing);
    expect(await tm.limits().setOptions('l')).toBeUndefined();
    await broker.states.set('limit:l', '{"rate":2}');
    await expect(tm.limits().reset('l')).rejects.toMatchObject(missing);
    expect(await tm.limits().setOptions('l')).toEqual({ rate: 2 });
  });

  it('ignores a text of another program that is not a rule', async () => {
    const broker = new MemoryBroker();
    const tm = TaskManager.getInstance(`limit-options-${randomUUID()}`);
    tm.configure({ broker, logLevel: 'silent' });
    managers.push(tm);
    for (const text of ['x', '7', 'null', '{"rate":-1}']) {
      await broker.states.set('limit:l', text);
      expect(await tm.limits().setOptions('l')).toBeUndefined();
    }
  });
});
