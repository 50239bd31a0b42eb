import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { testApp } from '@brokkr/broker-memory/testing';
import { currentTask, PermanentError, readDeadLetter, RetryLater, TaskManager, TaskTimeoutError } from '@brokkr/core';
import { firstMessages } from '@brokkr/core/adapter';
import { ManualClock } from '@brokkr/core/testing';
import { onTestFinished, describe, expect, it } from 'vitest';
import { aSecondOfWork } from './worker-bench.ts';
import { batchBench } from './batch-bench.ts';

describe('a batch', () => {
  it('runs when it is full, and the rest after the timeout', async () => {
    const { clock, worker, calls, events, send, counts } = batchBench({}, () => undefined);
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
    const { clock, worker, calls, send } = batchBench({ batch: { size: 3, timeout: '5m' } }, () => undefined);
    await worker.start();
    for (const item of ['a', 'b', 'c']) {
      await send(item);
      for (let step = 0; step < 10; step++) await clock.advance(5_000);
    }
    expect(calls).toEqual([['a', 'b', 'c']]);
  });

  it('uses one slot while it gathers: other tasks have the other slots', async () => {
    const { clock, tm, worker, calls, send } = batchBench({ batch: { size: 3, timeout: '1m' } }, () => undefined);
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
    const { clock, tm, worker, calls, send, counts } = batchBench({}, () => undefined, 1);
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
    const { clock, worker, calls, send } = batchBench({}, async () => {
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
    const { clock, worker, calls, send } = batchBench({ batch: { size: 3, timeout: '2s', by } }, () => undefined);
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
    const { clock, broker, worker, calls, send } = batchBench(
      { batch: { size: 3, by }, maxRetries: 0 },
      () => undefined,
    );
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

describe('the time limit', () => {
  it('is that of the call: its signal aborts, and every message has failed one attempt', async () => {
    const reasons: unknown[] = [];
    const { clock, worker, events, send } = batchBench(
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
    onTestFinished(() => tm.close());
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
    onTestFinished(() => old.close());
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
    const { clock, worker, send } = batchBench({}, (_, batch) => {
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
    const { task } = batchBench({}, (items, batch) => {
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
