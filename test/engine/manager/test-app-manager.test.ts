import { randomUUID } from 'node:crypto';
import {
  ConfigError,
  currentTask,
  fixed,
  logger,
  PermanentError,
  ResultTimeoutError,
  RetryLater,
  TaskFailedError,
  TaskManager,
  type TaskOptions,
  UnsupportedFeatureError,
  ValidationError,
} from '@brokkr/core';
import pino from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { MemoryBroker } from '@brokkr/broker-memory';
import { type TestApp, testApp } from '@brokkr/broker-memory/testing';
import '@brokkr/broker-memory/testing/vitest';

const open: TestApp[] = [];
afterEach(async () => {
  for (const app of open.splice(0)) await app.close();
});

function manager(): TaskManager {
  return TaskManager.getInstance(`m-${randomUUID()}`);
}

function appFor(task: object): TestApp {
  const app = testApp({ tasks: [task] });
  open.push(app);
  return app;
}

describe('virtual time', () => {
  it('runs five retries over days in milliseconds, each at its exact time', async () => {
    const at: number[] = [];
    const tm = manager();
    const task = tm.conditionalTask(
      { name: 'failing', maxRetries: 5, retryDelay: '1d', maxRetryDelay: '3d' },
      async () => {
        at.push(app.now().getTime());
        throw new Error('no');
      },
    );
    const app = appFor(task);
    const startedAt = app.now().getTime();
    await task.send();
    await app.drain();
    const day = 86_400_000;
    expect(at.map((time) => (time - startedAt) / day)).toEqual([0, 1, 3, 6, 9, 12]);
    expect(app.dead('default')[0]?.attempts).toHaveLength(6);
  });

  it('advances to the instant of each due message, and no further', async () => {
    const tm = manager();
    let runs = 0;
    const task = tm.task({ name: 'later' }, async (_text: string) => void runs++);
    const app = appFor(task);
    await task.with({ delay: '1h' }).send('a');
    expect(app).toHaveSent(task, ['a']);
    expect(app).not.toHaveSent(task, ['b']);
    await app.advance('59m');
    expect(runs).toBe(0);
    await app.advance('2m');
    expect(runs).toBe(1);
    await app.advance('365d');
  });

  it('holds one manager at a time, and gives it back', async () => {
    const tm = manager();
    const task = tm.task({ name: 'held' }, async () => undefined);
    const app = testApp({ tasks: [task] });
    expect(() => testApp({ tasks: [task] })).toThrow(ConfigError);
    await app.close();
    await testApp({ tasks: [task] }).close();
    expect(() => testApp({ tasks: [{}] })).toThrow(/not a task/);
  });
});

describe('tasks', () => {
  it('run inline when called, as attempt 1, with validated arguments', async () => {
    const tm = manager();
    const task = tm.conditionalTask({ name: 'inline', schema: z.coerce.number() }, async (n) => [
      n + 1,
      currentTask().attempt,
      currentTask().name,
    ]);
    expect(await task('4' as never)).toEqual([5, 1, 'inline']);
    await expect(task('x' as never)).rejects.toThrow(ValidationError);
    expect(() => currentTask()).toThrow(ConfigError);
  });

  it.each<[string, TaskOptions, () => unknown]>([
    ['no name', {}, () => undefined],
    ['a bad name', { name: 'a b' }, () => undefined],
    ['a bad queue', { name: 'x', queueName: 'emails.dead' }, () => undefined],
    ['a bad duration', { name: 'x', retryDelay: 'soon' }, () => undefined],
    ['no retries at all', { name: 'x', maxRetries: -1 }, () => undefined],
    ['no time at all', { name: 'x', timeout: 0 }, () => undefined],
    ['a schema that is none', { name: 'x', schema: {} as never }, () => undefined],
    ['a policy that is none', { name: 'x', retry: {} as never }, () => undefined],
    ['a generator', { name: 'x' }, function* generator() {}],
    ['no function', { name: 'x' }, 'x' as never],
  ])('with %s are refused at their definition', (_, options, handler) => {
    expect(() =>
      manager().task({ ...options, schema: options.schema as undefined }, handler as () => undefined),
    ).toThrow(ConfigError);
  });

  it('with one name and two handlers are refused; with one handler they are the same task', () => {
    const tm = manager();
    const handler = async () => undefined;
    tm.task({ name: 'twice' }, handler);
    tm.task({ name: 'twice' }, handler);
    expect(() => tm.task({ name: 'twice' }, async () => undefined)).toThrow(/two tasks named twice/);
  });

  it('validate at the sender and in the worker: the input is sent, and the handler gets the output', async () => {
    const tm = manager();
    const seen: unknown[] = [];
    const task = tm.conditionalTask(
      { name: 'checked', schema: [z.object({ at: z.coerce.date() }), z.string().default('x')] },
      async (...args) => void seen.push(args),
    );
    const app = appFor(task);
    await task.send({ at: new Date(0) });
    await expect(task.send({ at: 'never' } as never)).rejects.toThrow(/args\[0\]\.at/);
    await app.drain();
    expect(seen).toEqual([[{ at: new Date(0) }, 'x']]);
    expect(app.sent(task)).toEqual([[{ at: '1970-01-01T00:00:00.000Z' }]]);
  });

  it('follow retryOn and giveUpOn', async () => {
    const tm = manager();
    class Temporary extends Error {}
    const only = tm.task({ name: 'only', retryOn: Temporary }, async (temporary: boolean) => {
      throw temporary ? new Temporary('t') : new Error('e');
    });
    const never = tm.task(
      { name: 'never', giveUpOn: [(error) => (error as Error).message === 'stop'] },
      async (text: string) => {
        throw new Error(text);
      },
    );
    const app = appFor(only);
    await only.send(true);
    await only.send(false);
    await never.send('stop');
    await never.send('go');
    await app.drain();
    expect(app.dead('default').map(({ args, attempts }) => [args[0], attempts.length])).toEqual([
      [false, 1],
      ['stop', 1],
      [true, 4],
      ['go', 4],
    ]);
  });

  it('whose policy throws or returns an invalid wait are retried by the default policy', async () => {
    const tm = manager();
    const task = tm.task({ name: 'odd', maxRetries: 1, retry: { next: () => 'soon' } }, async () => {
      throw new Error('no');
    });
    const app = appFor(task);
    await task.send();
    await app.drain();
    expect(app.dead('default')[0]?.attempts).toHaveLength(2);
  });

  it('store results, also failures, for callers that wait', async () => {
    const tm = manager();
    const task = tm.task({ name: 'kept', result: '1h', maxRetries: 0 }, async (how: string) => {
      if (how === 'bad') throw new PermanentError('never');
      return how === 'odd' ? { n: 1n } : { at: new Date(0) };
    });
    const app = appFor(task);
    const [good, bad, odd] = await task.sendMany([['good'], ['bad'], ['odd']]);
    await app.drain();
    expect(await good?.result()).toEqual({ at: '1970-01-01T00:00:00.000Z' });
    await expect(bad?.result()).rejects.toThrow(TaskFailedError);
    await expect(odd?.result()).rejects.toThrow(/BigInt/);
    const waiting = (await task.with({ delay: '1d' }).send('good')).result({ timeout: '5s' });
    const refused = expect(waiting).rejects.toThrow(ResultTimeoutError);
    await app.advance('6s');
    await refused;
    const none = tm.task({ name: 'unkept' }, async () => 1);
    await expect((await none.send()).result()).rejects.toThrow(UnsupportedFeatureError);
  });

  it('are cancelled before they start', async () => {
    const tm = manager();
    let runs = 0;
    const task = tm.task({ name: 'cancelled' }, async () => void runs++);
    const app = appFor(task);
    const handle = await task.send();
    expect([await handle.cancel(), await handle.cancel()]).toEqual([true, false]);
    await app.drain();
    expect(runs).toBe(0);
  });

  it('with the same idempotency key are one message', async () => {
    const tm = manager();
    const task = tm.task({ name: 'once' }, async () => undefined);
    const app = appFor(task);
    const keyed = task.with({ idempotencyKey: 'k' });
    const [first, second] = [await keyed.send(), await keyed.send()];
    expect([first.isNew, second.isNew, second.id === first.id]).toEqual([true, false, true]);
    await expect(keyed.sendMany([[]])).rejects.toThrow(ConfigError);
    expect(() => task.with({ delay: 1, eta: new Date() })).toThrow(ConfigError);
    expect(app.sent(task)).toHaveLength(1);
  });

  it('run again after RetryLater without counting an attempt', async () => {
    const tm = manager();
    const attempts: number[] = [];
    const task = tm.task({ name: 'snoozing', maxRetries: 0 }, async () => {
      attempts.push(currentTask().attempt);
      if (attempts.length < 3) throw new RetryLater('5m', 'not yet');
    });
    const app = appFor(task);
    const before = app.now().getTime();
    await task.send();
    await app.drain();
    expect(attempts).toEqual([1, 1, 1]);
    expect(app.now().getTime() - before).toBe(600_000);
  });
});

describe('middleware', () => {
  it('wraps sends and attempts, the first one outermost', async () => {
    const tm = manager();
    const calls: string[] = [];
    for (const name of ['outer', 'inner']) {
      tm.use({
        name,
        send: (context, next) => {
          calls.push(`send ${name}`);
          context.message.headers[name] = 'was here';
          return next();
        },
        handle: async (context, next) => {
          calls.push(`${name} ${context.message.headers[name]}`);
          const result = await next();
          calls.push(`after ${name}`);
          return result;
        },
      });
    }
    const task = tm.task({ name: 'wrapped' }, async () => void calls.push(`handler ${currentTask().headers.inner}`));
    const app = appFor(task);
    await task.send();
    await app.drain();
    expect(calls).toEqual([
      'send outer',
      'send inner',
      'outer was here',
      'inner was here',
      'handler was here',
      'after inner',
      'after outer',
    ]);
  });

  it('cannot lose a task: an error it throws is a failed attempt', async () => {
    const tm = manager();
    tm.use({ name: 'twice', handle: async (_, next) => [await next(), await next()] });
    const task = tm.task({ name: 'unlucky', maxRetries: 1 }, async () => undefined);
    const app = appFor(task);
    await task.send();
    await app.drain();
    expect(app.dead('default')[0]?.reason).toMatch(/middleware twice called next\(\) twice/);
  });

  it('cannot lose a task: if it never calls next, the attempt fails and the handler runs at the next one', async () => {
    const tm = manager();
    let forgets = true;
    tm.use({ name: 'audit', handle: async (_, next) => (forgets ? undefined : next()) });
    let runs = 0;
    const task = tm.task({ name: 'skipped', maxRetries: 1, retry: fixed({ delay: '1s' }) }, async () => void runs++);
    const app = appFor(task);
    await task.send();
    await app.advance('500ms');
    expect([runs, app.dead('default')]).toEqual([0, []]);
    forgets = false;
    await app.drain();
    expect([runs, app.dead('default')]).toEqual([1, []]);
  });

  it('cannot lose a task: one that does not await next fails with the handler', async () => {
    const tm = manager();
    tm.use({ name: 'hasty', handle: ((_: unknown, next: () => unknown) => void next()) as never });
    const task = tm.task({ name: 'slow', maxRetries: 0 }, async () => {
      await app.clock.advance(1);
      throw new Error('boom');
    });
    const app = appFor(task);
    await task.send();
    await app.drain();
    expect(app.dead('default')[0]?.reason).toBe('Error: boom');
  });

  it('returns the receipt of the broker to the sender, whatever it returns', async () => {
    const tm = manager();
    tm.use({ name: 'forgetful', send: (async (_: unknown, next: () => unknown) => void (await next())) as never });
    const task = tm.task({ name: 'sent' }, async () => undefined);
    const app = appFor(task);
    const { id, isNew } = await task.send();
    expect([id.length > 0, isNew]).toEqual([true, true]);
    expect(await task.sendMany([[], []])).toHaveLength(2);
    expect(app.sent(task)).toHaveLength(3);
  });

  it('that does not call next rejects the send', async () => {
    const tm = manager();
    tm.use({ name: 'deaf', send: (async () => undefined) as never });
    const task = tm.task({ name: 'unsent' }, async () => undefined);
    const app = appFor(task);
    await expect(task.send()).rejects.toMatchObject({ name: 'ConfigError', code: 'MIDDLEWARE_SKIPPED' });
    expect(app.sent(task)).toEqual([]);
  });
});

describe('the mode of a process', () => {
  it('is producer until a worker is created, and refuses one if it is set to producer', async () => {
    const tm = manager();
    await tm.initialize({ broker: new MemoryBroker() });
    expect(tm.runMode).toBe('producer');
    tm.createWorker();
    expect(tm.runMode).toBe('worker');
    await tm.close();
    const web = manager();
    await web.initialize({ broker: new MemoryBroker(), runMode: 'producer' });
    expect(() => web.createWorker()).toThrow(/this process is set to only send/);
    await web.close();
  });

  it('fixes its settings at first use', async () => {
    const tm = manager();
    await tm.initialize({ broker: new MemoryBroker() });
    expect(tm.config.queueName).toBe('default');
    await expect(tm.initialize({ queueName: 'x' })).rejects.toThrow(ConfigError);
    await tm.close();
    await tm.initialize({ brokerUrl: 'memory:', queueName: 'x' });
    await expect(tm.initialize({ timeout: 'x' })).rejects.toThrow(/timeout/);
  });
});

describe('logging', () => {
  it('carries the task and the trace id of the sender, and reports the outcome', async () => {
    const lines: Record<string, unknown>[] = [];
    const own = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
    const tm = manager();
    await tm.initialize({ broker: new MemoryBroker(), logger: own });
    const task = tm.task({ name: 'logging' }, async () => {
      currentTask().logger.info('within');
    });
    const worker = tm.createWorker();
    const done = new Promise<void>((resolve) => worker.on('succeeded', () => resolve()));
    worker.on('succeeded', () => {
      throw new Error('a bad listener');
    });
    await worker.start();
    const { id } = await task.with({ headers: { traceId: 't-1' } }).send();
    await done;
    await tm.close();
    const within = lines.find(({ msg }) => msg === 'within');
    expect(within).toMatchObject({ task: { id, name: 'logging', queue: 'default', attempt: 1 }, traceId: 't-1' });
    const messages = lines.map(({ msg }) => msg);
    expect(messages).toEqual(
      expect.arrayContaining([
        'worker started',
        'task succeeded',
        'a listener failed',
        'worker stopped',
        'tasks in the last minute',
      ]),
    );
  });

  it('writes each record as one line, whatever it contains', async () => {
    const { createLogger } = await import('../../../packages/core/src/logging/create-logger.ts');
    const written: string[] = [];
    const safe = createLogger({ level: 'info', destination: { write: (line: string) => void written.push(line) } });
    safe.info({ name: 'a\n{"level":60}\u001b[2J\u2028\u0085' }, 'x\ny');
    expect(written).toHaveLength(1);
    expect(written[0]?.slice(0, -1)).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
    expect(logger.level).toBe('info');
  });
});
