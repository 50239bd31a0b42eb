import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { testApp } from '@brokkr/broker-memory/testing';
import { type ManagerOptions, TaskManager } from '@brokkr/core';
import type { Broker, BrokerCapabilities, RecordStore } from '@brokkr/core/adapter';
import { afterEach, describe, expect, it } from 'vitest';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function manager(options?: ManagerOptions): TaskManager {
  const tm = TaskManager.getInstance(`joined-${randomUUID()}`);
  cleanUps.push(() => tm.close());
  return options === undefined ? tm : tm.configure({ logLevel: 'silent', runMode: 'worker', ...options });
}

/** A task that notes its arguments, in a test app. */
function noting() {
  const ran: unknown[] = [];
  const task = manager().task({ name: 'note' }, async (value: unknown) => void ran.push(value));
  const app = testApp({ tasks: [task] });
  cleanUps.push(() => app.close());
  return { task, app, ran };
}

describe('in a test app', () => {
  it('a debounced key runs its newest arguments, at its wait after the last send', async () => {
    const { task, app, ran } = noting();
    const debounced = task.with({ debounce: { key: 'k', wait: '5s', maxWait: '12s' } });
    await debounced.send(1);
    await app.advance('4s');
    expect((await debounced.send(2)).outcome).toBe('replaced');
    await app.advance('4s');
    await debounced.send(3);
    await app.advance('3999ms');
    expect(ran).toEqual([]);
    await app.advance('1ms');
    expect(ran).toEqual([3]);
    expect(app.sent(task)).toEqual([[3]]);
  });

  it('a throttled key sends one message in each window', async () => {
    const { task, app, ran } = noting();
    const throttled = task.with({ throttle: { key: 'k', window: '10m' } });
    for (let minute = 0; minute < 25; minute++) {
      await throttled.send(minute);
      await app.advance('1m');
    }
    expect(ran).toEqual([0, 10, 20]);
  });

  it('a unique key is free once its message has run, been cancelled or purged', async () => {
    const { task, app, ran } = noting();
    const unique = task.with({ unique: 'k', delay: '1h' });
    const first = await unique.send(1);
    expect((await unique.send(2)).id).toBe(first.id);
    expect(await first.cancel()).toBe(true);
    expect((await unique.send(3)).outcome).toBe('new');
    await app.drain();
    expect((await task.with({ unique: 'k' }).send(4)).outcome).toBe('new');
    await app.drain();
    expect(ran).toEqual([3, 4]);
  });
});

describe('options that are invalid or exclude each other', () => {
  const { task } = noting();
  it.each([
    [{ unique: '' }, 'COLLAPSE_INVALID', /unique: key must be a string of 1 to 256 characters; got 0 characters/],
    [{ unique: { key: 7 } }, 'COLLAPSE_INVALID', /unique: key must be a string .* got a number/],
    [
      { unique: { key: 'k', while: 'running' } },
      'COLLAPSE_INVALID',
      /unique: while must be 'unfinished' or 'waiting'; got "running"/,
    ],
    [{ unique: 7 }, 'OPTIONS_INVALID', /unique: options must be an object; got a number/],
    [{ unique: { kye: 'k' } }, 'OPTION_UNKNOWN', /unique: unknown option `kye`; did you mean `key`/],
    [{ throttle: { key: 'k' } }, 'DURATION_INVALID', /throttle: window must be a duration/],
    [{ throttle: { key: 'k', window: 0 } }, 'COLLAPSE_INVALID', /throttle: window must be longer than 0; got 0/],
    [{ throttle: 'k' }, 'OPTIONS_INVALID', /throttle: options must be an object/],
    [
      { debounce: { key: 'x'.repeat(257), wait: '1s' } },
      'COLLAPSE_INVALID',
      /debounce: key must be .* got 257 characters/,
    ],
    [{ debounce: { key: 'k', wait: 'soon' } }, 'DURATION_INVALID', /debounce: wait must be a duration/],
    [{ debounce: { key: 'k', wait: '0s' } }, 'COLLAPSE_INVALID', /debounce: wait must be longer than 0/],
    [
      { debounce: { key: 'k', wait: '5s', maxWait: '4s' } },
      'COLLAPSE_INVALID',
      /maxWait must not be shorter than wait/,
    ],
    [
      { unique: 'k', throttle: { key: 'k', window: '1s' } },
      'SEND_OPTIONS_CONFLICT',
      /^task \S+: unique and throttle cannot be combined/,
    ],
    [
      { unique: 'k', debounce: { key: 'k', wait: '1s' } },
      'SEND_OPTIONS_CONFLICT',
      /^task \S+: unique and debounce cannot/,
    ],
    [{ unique: 'k', idempotencyKey: 'k' }, 'SEND_OPTIONS_CONFLICT', /^task \S+: unique and idempotencyKey cannot/],
    [{ unique: 'k', idempotencyTtl: '1h' }, 'SEND_OPTIONS_CONFLICT', /^task \S+: unique and idempotencyTtl cannot/],
    [
      { throttle: { key: 'k', window: '1s' }, idempotencyTtl: '1h' },
      'SEND_OPTIONS_CONFLICT',
      /^task \S+: throttle and idempotencyTtl cannot/,
    ],
    [
      { debounce: { key: 'k', wait: '1s' }, idempotencyTtl: '1h' },
      'SEND_OPTIONS_CONFLICT',
      /^task \S+: debounce and idempotencyTtl cannot/,
    ],
    [
      { debounce: { key: 'k', wait: '1s' }, delay: '1s' },
      'SEND_OPTIONS_CONFLICT',
      /^task \S+: debounce and delay cannot/,
    ],
    [
      { debounce: { key: 'k', wait: '1s' }, eta: new Date() },
      'SEND_OPTIONS_CONFLICT',
      /^task \S+: debounce and eta cannot/,
    ],
  ])('%j', (options, code, message) => {
    expect(() => task.with(options as never)).toThrow(
      expect.objectContaining({ name: 'ConfigError', code, message: expect.stringMatching(message) }),
    );
  });

  it('exclude each other over several calls of with', () => {
    const conflict = expect.objectContaining({ code: 'SEND_OPTIONS_CONFLICT' });
    expect(() => task.with({ unique: 'a' }).with({ throttle: { key: 'k', window: '1s' } })).toThrow(conflict);
    expect(() => task.with({ unique: 'a' }).with({ idempotencyKey: 'k' })).toThrow(conflict);
    expect(() => task.with({ idempotencyTtl: '1h' }).with({ unique: 'a' })).toThrow(conflict);
    expect(() => task.with({ delay: '1s' }).with({ debounce: { key: 'k', wait: '1s' } })).toThrow(conflict);
    expect(() => task.with({ unique: 'a' }).with({ unique: 'b' })).not.toThrow();
  });

  it('exclude sendMany', async () => {
    const { task: batched } = noting();
    for (const options of [
      { unique: 'k' },
      { throttle: { key: 'k', window: '1s' } },
      { debounce: { key: 'k', wait: 1 } },
    ]) {
      await expect(batched.with(options).sendMany([[1]])).rejects.toMatchObject({
        code: 'SEND_OPTIONS_CONFLICT',
        message: expect.stringMatching(/task note: sendMany cannot have the option (unique|throttle|debounce)/),
      });
    }
  });
});

/** A broker that can join nothing, as RabbitMQ. */
function joinless(decorate: (broker: Broker) => Partial<Broker> = () => ({})): MemoryBroker {
  const broker = new MemoryBroker();
  const capabilities: BrokerCapabilities = { ...broker.capabilities, collapse: false, idempotency: false };
  Object.defineProperty(broker, 'capabilities', { value: capabilities });
  Object.defineProperty(broker, 'records', { value: undefined });
  return Object.assign(broker, decorate(broker));
}

const OPTIONS = [
  { unique: 'k' },
  { throttle: { key: 'k', window: '1h' } },
  { debounce: { key: 'k', wait: '50ms' } },
] as const;

describe('on a broker that cannot join messages', () => {
  it.each(OPTIONS)('%j without a store is refused when it is sent, and nothing is stored', async (options) => {
    const broker = joinless();
    const task = manager({ broker }).task({ name: 'sync' }, async () => undefined);
    const [option] = Object.keys(options);
    await expect(task.with(options).send()).rejects.toMatchObject({
      name: 'ConfigError',
      code: 'STORE_MISSING',
      message: expect.stringMatching(new RegExp(`^task sync: ${option} needs a store, .*TASK_STORE_URL`)),
    });
    expect(await broker.inspector.counts('default')).toMatchObject({ published: 0 });
  });

  it('a message without these options asks no store, neither when it is sent nor when it runs', async () => {
    const calls: string[] = [];
    const noted = (name: string) => async () => {
      calls.push(name);
      return new Map() as never;
    };
    const records: RecordStore = { read: noted('read'), change: noted('change') };
    const tm = manager({ broker: joinless(), store: { records } });
    const task = tm.task({ name: 'plain' }, async () => undefined);
    const worker = tm.createWorker();
    const ended = new Promise((resolve) => worker.on('succeeded', resolve));
    await worker.start();
    await task.send();
    await ended;
    expect(calls).toEqual([]);
  });

  it('frees the key of a message that certainly was not stored', async () => {
    const full = Object.assign(new Error('full'), { name: 'BrokerUnavailableError', code: 'BROKER_FULL' });
    const store = new MemoryBroker();
    cleanUps.push(() => store.close());
    let fails = true;
    const { BrokerUnavailableError } = await import('@brokkr/core');
    const broker = joinless((inner) => {
      const publish = inner.publish.bind(inner);
      return {
        publish: (envelopes) =>
          fails ? Promise.reject(new BrokerUnavailableError(full.message, { code: full.code })) : publish(envelopes),
      };
    });
    const task = manager({ broker, store }).task({ name: 'sync' }, async () => undefined);
    for (const options of OPTIONS) {
      fails = true;
      await expect(task.with(options).send()).rejects.toMatchObject({ code: 'BROKER_FULL' });
      fails = false;
      expect((await task.with(options).send()).outcome).toBe('new');
    }
  });

  it('frees a key once, though its worker died between this and the settlement', async () => {
    const store = new MemoryBroker();
    cleanUps.push(() => store.close());
    // From the first settlement on, nothing of the worker reaches the server: it has died.
    let hasDied = false;
    const never = () => new Promise<never>(() => undefined);
    const broker = joinless();
    const dying: Broker = {
      ...broker,
      publish: broker.publish.bind(broker),
      close: async () => undefined,
      subscribe: async (queue, options) => {
        const subscription = await broker.subscribe(queue, options);
        return {
          receive: (limit, given) => (hasDied ? never() : subscription.receive(limit, given)),
          extend: (deliveries) => (hasDied ? never() : subscription.extend(deliveries)),
          settle: () => {
            hasDied = true;
            return never();
          },
          close: async () => undefined,
        };
      },
    };
    const ran: string[] = [];
    const managerOf = (name: string, on: Broker) => {
      const tm = manager({ broker: on, store, lease: '1s' });
      return { tm, task: tm.task({ name: 'sync' }, async (value: number) => void ran.push(`${name} ${value}`)) };
    };
    const first = managerOf('first', dying);
    const { tm, task } = managerOf('second', broker);
    await task.with({ unique: 'k' }).send(1);
    const dead = first.tm.createWorker({ concurrency: 1 });
    await dead.start();
    await expect.poll(() => hasDied).toBe(true);
    const next = await task.with({ unique: 'k', delay: '1h' }).send(2);
    expect(next.outcome, 'the key was free').toBe('new');
    const worker = tm.createWorker({ concurrency: 1 });
    const ended = new Promise((resolve) => worker.on('succeeded', resolve));
    await worker.start();
    await ended;
    expect(ran).toEqual(['first 1', 'second 1']);
    const third = await task.with({ unique: 'k' }).send(3);
    expect([third.outcome, third.id], 'the key of the other message stays').toEqual(['duplicate', next.id]);
    await dead.stop({ timeout: 0 });
  }, 20_000);

  it('a send that is repeated after a lost answer of the store owns its key', async () => {
    const store = new MemoryBroker();
    cleanUps.push(() => store.close());
    // Each change takes effect twice, as if the client had repeated it: the caller gets the second answer.
    const records: RecordStore = {
      read: (key, fields) => store.records.read(key, fields),
      change: async (changes) => {
        await store.records.change(changes);
        return store.records.change(changes);
      },
    };
    const task = manager({ broker: joinless(), store: { records } }).task({ name: 'sync' }, async () => undefined);
    for (const options of OPTIONS) {
      const first = await task.with(options).send();
      expect(first.outcome).toBe('new');
      const second = await task.with(options).send();
      expect([second.outcome, second.id]).toEqual(['debounce' in options ? 'replaced' : 'duplicate', first.id]);
    }
  });
});
