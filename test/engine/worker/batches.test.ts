import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { testApp } from '@brokkr/broker-memory/testing';
import {
  type Batch,
  currentTask,
  PermanentError,
  readDeadLetter,
  RetryLater,
  TaskCancelledError,
  TaskManager,
  TaskTimeoutError,
} from '@brokkr/core';
import { type BatchTaskOptions, firstMessages } from '@brokkr/core/adapter';
import { ManualClock } from '@brokkr/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { aSecondOfWork, crash } from './worker-bench.ts';

const managers: TaskManager[] = [];
afterEach(() => Promise.all(managers.splice(0).map((manager) => manager.close())));

type Handler = (items: string[], batch: Batch) => void | Promise<void>;

function bench(options: Partial<BatchTaskOptions<string>>, handler: Handler, concurrency = 2) {
  const clock = new ManualClock();
  const broker = new MemoryBroker({ clock });
  const tm = TaskManager.getInstance(`batches-${randomUUID()}`);
  tm.configure({ broker, clock, logLevel: 'silent', lease: '30s' });
  managers.push(tm);
  const calls: string[][] = [];
  const task = tm.batchTask(
    { name: 'index', maxRetries: 2, retryDelay: '1s', ...options, batch: { size: 3, timeout: '2s', ...options.batch } },
    (items: string[], batch) => {
      calls.push([...items]);
      return handler(items, batch);
    },
  );
  const worker = tm.createWorker({ concurrency });
  const events: string[] = [];
  for (const event of ['succeeded', 'retrying', 'dead', 'expired', 'cancelled', 'leaseLost'] as const)
    worker.on(event, ({ id }) => events.push(`${event} ${names.get(id) ?? '?'}`));
  const names = new Map<string, string>();
  const send = async (...items: string[]) => {
    const handles = await task.sendMany(items.map((item) => [item] as [string]));
    for (const [index, { id }] of handles.entries()) names.set(id, items[index] as string);
    return handles;
  };
  const counts = () => broker.inspector.counts('default');
  return { clock, broker, tm, task, worker, calls, events, send, counts };
}

describe('a batch', () => {
  it('runs when it is full, and the rest after the timeout', async () => {
    const { clock, worker, calls, events, send, counts } = bench({}, () => undefined);
    await worker.start();
    await send('a', 'b', 'c', 'd');
    await clock.advance(100);
    expect(calls).toEqual([['a', 'b', 'c']]);
    await clock.advance(1_850);
    expect(calls).toHaveLength(1);
    await clock.advance(100);
    expect(calls).toEqual([['a', 'b', 'c'], ['d']]);
    await clock.advance(100);
    expect(events.sort()).toEqual(['succeeded a', 'succeeded b', 'succeeded c', 'succeeded d']);
    expect(await counts()).toMatchObject({ acknowledged: 4, running: 0, ready: 0 });
  });

  it('gathers messages that come one by one, under leases that are renewed', async () => {
    const { clock, worker, calls, send } = bench({ batch: { size: 3, timeout: '5m' } }, () => undefined);
    await worker.start();
    for (const item of ['a', 'b', 'c']) {
      await send(item);
      for (let step = 0; step < 10; step++) await clock.advance(5_000);
    }
    expect(calls).toEqual([['a', 'b', 'c']]);
  });

  it('uses one slot while it gathers: other tasks have the other slots', async () => {
    const { clock, tm, worker, calls, send } = bench({ batch: { size: 3, timeout: '1m' } }, () => undefined);
    const ran: number[] = [];
    const other = tm.task({ name: 'other' }, async (n: number) => void ran.push(n));
    await worker.start();
    await send('a');
    await other.sendMany(Array.from({ length: 20 }, (_, n) => [n] as [number]));
    await aSecondOfWork(clock);
    expect(ran).toHaveLength(20);
    expect(calls).toEqual([]);
    await send('b', 'c');
    await clock.advance(100);
    expect(calls).toEqual([['a', 'b', 'c']]);
  });

  it('runs in a worker with one slot, between messages of other tasks, and none of them is lost', async () => {
    const { clock, tm, worker, calls, send, counts } = bench({}, () => undefined, 1);
    const ran: number[] = [];
    const other = tm.task({ name: 'other' }, async (n: number) => {
      ran.push(n);
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 10));
    });
    for (let n = 0; n < 50; n++) {
      await send(`i${n}`);
      await other.send(n);
    }
    await worker.start();
    for (let second = 0; second < 100; second++) await aSecondOfWork(clock);
    expect(ran.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, n) => n));
    expect(calls.flat()).toHaveLength(50);
    expect(await counts()).toMatchObject({ acknowledged: 100, ready: 0, running: 0, dead: 0 });
  });

  it('never has more calls at a time than the worker has slots', async () => {
    let running = 0;
    let most = 0;
    const { clock, worker, calls, send } = bench({}, async () => {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => setTimeout(resolve, 1));
      running--;
    });
    await send(...Array.from({ length: 60 }, (_, n) => `i${n}`));
    await worker.start();
    for (let step = 0; step < 200 && calls.flat().length < 60; step++) {
      await clock.advance(10);
      await new Promise<void>((resolve) => setTimeout(resolve, 2));
    }
    expect(calls.map(({ length }) => length)).toEqual(Array.from({ length: 20 }, () => 3));
    expect(most).toBe(2);
  });

  it('holds only messages of one key', async () => {
    const by = (item: string) => item.charAt(0);
    const { clock, worker, calls, send } = bench({ batch: { size: 3, timeout: '2s', by } }, () => undefined);
    await worker.start();
    await send('a1', 'b1', 'a2', 'b2', 'a3', 'c1');
    await clock.advance(100);
    expect(calls).toEqual([['a1', 'a2', 'a3']]);
    await clock.advance(2_000);
    expect(calls.slice(1).sort()).toEqual([['b1', 'b2'], ['c1']]);
  });

  it.each([
    [
      'throws',
      () => {
        throw new TypeError('no tenant');
      },
      'TypeError: no tenant',
    ],
    ['returns no key', () => undefined, /ConfigError: task index: batch\.by must return a number, or a string/],
    ['returns a promise', () => Promise.resolve('a'), /batch\.by must return/],
    ['returns too long a key', () => 'a'.repeat(257), /got 257 characters$/],
  ])('fails only the message for which `by` %s', async (_, bad, reason) => {
    const by = (item: string) => (item === 'bad' ? (bad() as string) : 'all');
    const { clock, broker, worker, calls, send } = bench({ batch: { size: 3, by }, maxRetries: 0 }, () => undefined);
    await worker.start();
    await send('a', 'bad', 'b', 'c');
    await clock.advance(100);
    expect(calls).toEqual([['a', 'b', 'c']]);
    const letters = await firstMessages(broker.inspector, 'default', 'dead', 5);
    expect(letters.map((letter) => readDeadLetter(letter).reason)).toEqual([
      typeof reason === 'string' ? reason : expect.stringMatching(reason),
    ]);
  });
});

describe('outcomes of a batch', () => {
  it('settle alone: failed, later, with a result, and the rest succeeds', async () => {
    const seen: (readonly [string, number])[] = [];
    const { clock, worker, task, events, send } = bench({ batch: { size: 4 }, result: '1h' }, (items, batch) => {
      for (const [at, item] of items.entries()) {
        seen.push([item, batch.message(at).attempt]);
        if (item === 'bad') batch.fail(at, new TypeError('bad doc'));
        if (item === 'later' && seen.length <= 4) batch.retryLater(at, '10s', 'not yet');
        if (item === 'value') batch.result(at, { n: 7 });
      }
    });
    await worker.start();
    const handles = await send('ok', 'bad', 'later', 'value');
    await clock.advance(500);
    expect(events.sort()).toEqual(['retrying bad', 'retrying later', 'succeeded ok', 'succeeded value']);
    expect(await handles[3]?.result()).toEqual({ n: 7 });
    expect(await handles[0]?.result()).toBeUndefined();
    for (let second = 0; second < 30; second++) await clock.advance(1_000);
    expect(seen.filter(([item]) => item === 'later')).toEqual([
      ['later', 1],
      ['later', 1],
    ]);
    expect(seen.filter(([item]) => item === 'bad')).toEqual([
      ['bad', 1],
      ['bad', 2],
      ['bad', 3],
    ]);
    await expect(handles[1]?.result()).rejects.toThrow('bad doc');
    expect(await task.handle(handles[2]?.id as string).status()).toEqual({ state: 'succeeded' });
  });

  it('are those of the error if the handler throws, except for messages that failed on their own', async () => {
    const { clock, broker, worker, send } = bench({ maxRetries: 0 }, (_items, batch) => {
      batch.result(0, 'stored');
      batch.fail(1, new RangeError('its own'));
      throw new TypeError('the bulk call failed');
    });
    await worker.start();
    await send('a', 'b', 'c');
    await clock.advance(100);
    const letters = await firstMessages(broker.inspector, 'default', 'dead', 5);
    expect(letters.map((letter) => readDeadLetter(letter).reason)).toEqual([
      'TypeError: the bulk call failed',
      'RangeError: its own',
      'TypeError: the bulk call failed',
    ]);
  });

  it('a RetryLater of the handler delays all of them, and counts no attempt', async () => {
    const attempts: number[] = [];
    const { clock, worker, calls, send } = bench({}, (_, batch) => {
      attempts.push(batch.message(0).attempt);
      if (attempts.length === 1) throw new RetryLater('10s');
    });
    await worker.start();
    await send('a', 'b', 'c');
    for (let second = 0; second < 20; second++) await clock.advance(1_000);
    expect(calls).toHaveLength(2);
    expect(attempts).toEqual([1, 1]);
  });

  it('of one message with a hundred: the poison message alone is dead, whether it fails alone or fails all', async () => {
    for (const failsAll of [false, true]) {
      const { clock, broker, worker, send } = bench({ batch: { size: 100 } }, (items, batch) => {
        const at = items.indexOf('poison');
        if (at === -1) return;
        if (failsAll) throw new Error('poison');
        batch.fail(at, new Error('poison'));
      });
      await worker.start();
      const handles = await send(...Array.from({ length: 100 }, (_, n) => (n === 40 ? 'poison' : `i${n}`)));
      for (let second = 0; second < 60; second++) await clock.advance(1_000);
      expect(await broker.inspector.counts('default')).toMatchObject({
        acknowledged: 99,
        dead: 1,
        delayed: 0,
        ready: 0,
      });
      const [letter] = await firstMessages(broker.inspector, 'default', 'dead', 2);
      expect(letter?.id).toBe(handles[40]?.id);
    }
  });

  it.each([-1, 3, 0.5, Number.NaN, '0' as never])('refuse an item that does not exist: %o', async (at) => {
    const errors: unknown[] = [];
    const { clock, worker, send } = bench({}, (_, batch) => {
      for (const call of [
        () => batch.fail(at, new Error('x')),
        () => batch.result(at, 1),
        () => batch.retryLater(at, '1s'),
        () => batch.message(at),
        () => batch.isOpen(at),
        () => batch.fence(at),
      ]) {
        try {
          call();
        } catch (error) {
          errors.push((error as { code?: string }).code);
        }
      }
    });
    await worker.start();
    await send('a', 'b', 'c');
    await clock.advance(100);
    expect(errors).toEqual(Array.from({ length: 6 }, () => 'BATCH_INDEX_INVALID'));
  });
});

describe('a stop', () => {
  it('gives back what has gathered, and loses none', async () => {
    const { clock, tm, worker, calls, send, counts, broker } = bench(
      { batch: { size: 100, timeout: '10m' } },
      () => undefined,
    );
    await worker.start();
    await send(...Array.from({ length: 40 }, (_, n) => `i${n}`));
    await clock.advance(1_000);
    expect(await counts()).toMatchObject({ running: 40, ready: 0 });
    const stopping = worker.stop();
    await clock.advance(5_000);
    expect(await stopping).toEqual({ interrupted: 0 });
    expect(calls).toEqual([]);
    expect(await counts()).toMatchObject({ running: 0, ready: 40 });
    const back = await firstMessages(broker.inspector, 'default', 'ready', 40);
    expect(back.map(({ body }) => JSON.parse(Buffer.from(body).toString())[0])).toEqual(
      Array.from({ length: 40 }, (_, n) => `i${n}`),
    );
    await tm.createWorker().start();
    for (let minute = 0; minute < 11; minute++) await clock.advance(60_000);
    expect(calls.map(({ length }) => length)).toEqual([40]);
  });

  it('lets a running batch end, or hands all of it back', async () => {
    const { clock, worker, send, counts } = bench(
      {},
      (_, batch) =>
        new Promise<void>((resolve) => {
          batch.signal.addEventListener('abort', () => {
            if (String(batch.signal.reason).includes('Shutdown')) resolve();
          });
        }),
    );
    await worker.start();
    await send('a', 'b', 'c');
    await clock.advance(100);
    const stopping = worker.stop({ timeout: '10s' });
    for (let step = 0; step < 12; step++) await clock.advance(1_000);
    expect(await stopping).toEqual({ interrupted: 0 });
    expect(await counts()).toMatchObject({ acknowledged: 3 });
  });

  it('hands back a batch that ignores its signal', async () => {
    const { clock, worker, send, counts } = bench({}, () => new Promise<void>(() => undefined));
    await worker.start();
    await send('a', 'b', 'c');
    await clock.advance(100);
    const stopping = worker.stop({ timeout: '10s' });
    for (let step = 0; step < 12; step++) await clock.advance(1_000);
    expect(await stopping).toEqual({ interrupted: 3 });
    expect(await counts()).toMatchObject({ ready: 3, running: 0 });
  });
});

describe('a pause', () => {
  it('gives back what has gathered', async () => {
    const { clock, tm, worker, calls, send, counts } = bench({}, () => undefined);
    await worker.start();
    await send('a', 'b');
    await clock.advance(100);
    await tm.queue('default').pause();
    await clock.advance(1_000);
    expect(await counts()).toMatchObject({ ready: 2, running: 0 });
    await clock.advance(10_000);
    expect(calls).toEqual([]);
    await tm.queue('default').resume();
    await send('c');
    await clock.advance(1_000);
    expect(calls).toEqual([['a', 'b', 'c']]);
  });
});

describe('a crash', () => {
  it('counts for each message of a batch; after the second one each runs alone, so that poison is found', async () => {
    const { clock, broker, worker, calls, send, counts } = bench({ batch: { size: 5 } }, () => undefined);
    const handles = await send('a', 'b', 'c', 'd', 'e');
    await crash(broker, clock, 1, 5);
    await worker.start();
    for (let second = 0; second < 5; second++) await aSecondOfWork(clock);
    expect(calls).toEqual([['a', 'b', 'c', 'd', 'e']]);
    expect(handles).toHaveLength(5);

    await send('f', 'g', 'h');
    await worker.stop();
    await crash(broker, clock, 2, 3);
    const other = bench({}, () => undefined);
    expect(other.calls).toEqual([]);
    expect(await counts()).toMatchObject({ ready: 3 });
  });

  it('makes suspects run alone, beside batches of the others', async () => {
    const { clock, broker, worker, calls, send, counts } = bench({ batch: { size: 5 } }, () => undefined);
    await send('s1', 's2', 's3');
    await crash(broker, clock, 2, 3);
    await send('a', 'b', 'c', 'd', 'e');
    await worker.start();
    for (let second = 0; second < 20; second++) await aSecondOfWork(clock);
    expect(calls.filter((items) => items.some((item) => item.startsWith('s')))).toEqual([['s1'], ['s2'], ['s3']]);
    expect(calls.flat()).toHaveLength(8);
    expect(await counts()).toMatchObject({ acknowledged: 8, dead: 0 });
  });
});

describe('one message of a batch', () => {
  it('is cancelled while it gathers, and the others run', async () => {
    const { clock, worker, calls, events, send } = bench({ result: '1h' }, () => undefined);
    await worker.start();
    const [a, b] = await send('a', 'b');
    await clock.advance(100);
    const cancelling = b?.cancel({ running: true });
    await clock.advance(100);
    expect(await cancelling).toBe(true);
    await send('c', 'd');
    await clock.advance(100);
    expect(calls).toEqual([['a', 'c', 'd']]);
    expect(events.filter((event) => event.startsWith('cancelled'))).toEqual(['cancelled b']);
    await expect(b?.result()).rejects.toThrow(TaskCancelledError);
    expect((await a?.status())?.state).toBe('succeeded');
  });

  it('is cancelled while it runs: its outcome has no effect, and the others go on', async () => {
    let finish: () => void = () => undefined;
    let seen: Batch | undefined;
    const { clock, worker, events, send } = bench({}, (_, batch) => {
      seen = batch;
      return new Promise<void>((resolve) => (finish = resolve));
    });
    await worker.start();
    const [, b] = await send('a', 'b', 'c');
    await clock.advance(100);
    const cancelling = b?.cancel({ running: true });
    await clock.advance(100);
    expect(await cancelling).toBe(true);
    expect(events).toEqual(['cancelled b']);
    expect([seen?.isOpen(0), seen?.isOpen(1), seen?.signal.aborted]).toEqual([true, false, false]);
    seen?.fail(1, new Error('too late'));
    finish();
    await clock.advance(100);
    expect(events.sort()).toEqual(['cancelled b', 'succeeded a', 'succeeded c']);
  });

  it('expires while it gathers, and the others run', async () => {
    const { clock, task, worker, calls, events, send } = bench({ batch: { size: 3, timeout: '10s' } }, () => undefined);
    await worker.start();
    await task.with({ expiresIn: '5s' }).send('old');
    await send('a');
    for (let second = 0; second < 11; second++) await clock.advance(1_000);
    expect(calls).toEqual([['a']]);
    expect(events.sort()).toEqual(['expired ?', 'succeeded a']);
  });
});

describe('the time limit', () => {
  it('is that of the call: its signal aborts, and every message has failed one attempt', async () => {
    const reasons: unknown[] = [];
    const { clock, worker, events, send } = bench(
      { timeout: '10s', maxRetries: 0 },
      (_, batch) =>
        new Promise<void>((resolve) => {
          batch.signal.addEventListener('abort', () => {
            reasons.push(batch.signal.reason, currentTask().signal.reason);
            resolve();
          });
        }),
    );
    await worker.start();
    await send('a', 'b', 'c');
    for (let second = 0; second < 11; second++) await clock.advance(500);
    expect(reasons).toEqual([]);
    for (let second = 0; second < 11; second++) await clock.advance(500);
    expect(reasons).toEqual([expect.any(TaskTimeoutError), expect.any(TaskTimeoutError)]);
    expect(events.slice(0, 3).sort()).toEqual(['dead a', 'dead b', 'dead c']);
  });
});

describe('middleware, schema and versions', () => {
  it('work for each message of a batch', async () => {
    const clock = new ManualClock();
    const broker = new MemoryBroker({ clock });
    const tm = TaskManager.getInstance(`batches-${randomUUID()}`);
    tm.configure({ broker, clock, logLevel: 'silent' });
    managers.push(tm);
    const passed: unknown[] = [];
    tm.use({
      name: 'watch',
      handle: async ({ message }, next) => {
        passed.push(message.args[0]);
        if (message.args[0] === 13) throw new PermanentError('refused by middleware');
        return next();
      },
    });
    const schema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value: unknown) =>
          typeof value === 'number' ? { value: value * 10 } : { issues: [{ message: 'a number is needed' }] },
      },
    } as const;
    const calls: unknown[][] = [];
    const old = TaskManager.getInstance(`batches-${randomUUID()}`);
    old.configure({ broker, clock, logLevel: 'silent' });
    managers.push(old);
    const sender = old.task({ name: 'index' }, (_: unknown) => undefined);
    tm.batchTask(
      {
        name: 'index',
        batch: { size: 5 },
        schema,
        version: 2,
        upcast: { 1: ([text]) => [text === 'word' ? text : Number(text)] },
      },
      async (items) => void calls.push(items),
    );
    await sender.sendMany([['1'], ['word'], ['13'], ['2'], ['3']]);
    await tm.createWorker().start();
    await clock.advance(2_000);
    expect(passed).toEqual([1, 'word', 13, 2, 3]);
    expect(calls).toEqual([[10, 20, 30]]);
    const letters = await firstMessages(broker.inspector, 'default', 'dead', 5);
    expect(letters.map((letter) => readDeadLetter(letter).reason).sort()).toEqual([
      'PermanentError: refused by middleware',
      'ValidationError: task index: args[0]: a number is needed',
    ]);
  });
});

describe('inside the handler', () => {
  it('currentTask() describes the batch, and refuses progress', async () => {
    const seen: unknown[] = [];
    const { clock, worker, send } = bench({}, (_, batch) => {
      const { id, name, queue } = currentTask();
      seen.push(id === batch.message(0).id, name, queue, batch.size);
      try {
        currentTask().progress(1);
      } catch (error) {
        seen.push((error as { code?: string }).code);
      }
    });
    await worker.start();
    await send('a', 'b', 'c');
    await clock.advance(100);
    expect(seen).toEqual([true, 'index', 'default', 3, 'BATCH_UNSUPPORTED']);
  });
});

describe('a call as a function', () => {
  it('runs a batch of one, with its outcome', async () => {
    const { task } = bench({}, (items, batch) => {
      if (items[0] === 'bad') batch.fail(0, new TypeError('bad doc'));
      else if (items[0] === 'later') batch.retryLater(0, '1m');
      else batch.result(0, items[0]?.toUpperCase());
    });
    expect(await task('ada')).toBe('ADA');
    await expect(task('bad')).rejects.toThrow(new TypeError('bad doc'));
    await expect(task('later')).rejects.toThrow(RetryLater);
  });
});

describe('testApp', () => {
  it('drains batches: full ones at once, the last one after its timeout', async () => {
    const tm = TaskManager.getInstance(`batches-${randomUUID()}`);
    const calls: number[][] = [];
    const index = tm.batchTask({ name: 'index', batch: { size: 3, timeout: '10s' } }, async (items: number[]) => {
      calls.push(items);
    });
    const app = testApp({ tasks: [index], concurrency: 1 });
    const before = app.now().getTime();
    await index.sendMany([[1], [2], [3], [4]]);
    await app.drain();
    expect(calls).toEqual([[1, 2, 3], [4]]);
    expect(app.now().getTime() - before).toBeGreaterThanOrEqual(10_000);
    await app.close();
  });
});

describe('bad input', () => {
  const tm = TaskManager.getInstance(`batches-${randomUUID()}`);
  const define = (options: object) => () => tm.batchTask(options as BatchTaskOptions, () => undefined);

  it.each<[object, RegExp]>([
    [{ name: 'x' }, /^task x: batch must be an object such as \{ size: 100, timeout: '2s' \}; got undefined$/],
    [{ name: 'x', batch: 5 }, /got a number$/],
    [{ name: 'x', batch: {} }, /^task x: batch\.size must be a whole number from 1 to 10000; got undefined$/],
    [{ name: 'x', batch: { size: 0 } }, /got 0$/],
    [{ name: 'x', batch: { size: 10_001 } }, /got 10001$/],
    [{ name: 'x', batch: { size: 2.5 } }, /got 2\.5$/],
    [{ name: 'x', batch: { size: 2, timeout: 'soon' } }, /^task x: batch\.timeout must be a duration .*; got "soon"$/],
    [{ name: 'x', batch: { size: 2, wait: 1 } }, /^task x: batch: unknown option `wait`/],
    [
      { name: 'x', batch: { size: 2, by: 'tenant' } },
      /^task x: batch\.by must be a synchronous function .*; got a string$/,
    ],
    [{ name: 'x', batch: { size: 2, by: async () => 'a' } }, /got an async function$/],
  ])('is an error of the definition: %o', (options, message) => {
    expect(define(options)).toThrow(
      expect.objectContaining({ name: 'ConfigError', message: expect.stringMatching(message) }),
    );
  });

  it('is an option of one send that a batch cannot honor, or a second argument', async () => {
    const { task } = bench({}, () => undefined);
    expect(() => task.with({ timeout: '5s' })).toThrow(
      expect.objectContaining({
        code: 'BATCH_SEND_OPTION',
        message: expect.stringMatching(/^task index: timeout cannot/),
      }),
    );
    const send = task.send as (...args: unknown[]) => Promise<unknown>;
    await expect(send('a', 'b')).rejects.toMatchObject({ code: 'BATCH_ITEM_INVALID' });
  });
});
