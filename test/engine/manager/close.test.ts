import { randomUUID } from 'node:crypto';
import { registerBroker, type TaskHandle, TaskManager, type Worker } from '@brokkr/core';
import { ManualClock } from '@brokkr/core/testing';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { MemoryBroker } from '@brokkr/broker-memory';

async function manager(options: Parameters<TaskManager['initialize']>[0]): Promise<TaskManager> {
  return TaskManager.getInstance(`close-${randomUUID()}`).initialize({ logLevel: 'silent', ...options });
}

describe('close() during a send', () => {
  type Sends = (tm: TaskManager) => () => Promise<TaskHandle | readonly TaskHandle[]>;

  it.each<[string, { readonly first: boolean }, Sends]>([
    [
      'the first send, whose broker is not open yet',
      { first: true },
      (tm) => {
        const task = tm.task({ name: 'plain' }, async () => undefined);
        return () => task.send();
      },
    ],
    [
      'a send',
      { first: false },
      (tm) => {
        const task = tm.task({ name: 'plain' }, async () => undefined);
        return () => task.send();
      },
    ],
    [
      'a send whose arguments are validated',
      { first: false },
      (tm) => {
        const task = tm.task({ name: 'checked', schema: z.string().refine(async () => true) }, async () => undefined);
        return () => task.send('a');
      },
    ],
    [
      'a batch',
      { first: false },
      (tm) => {
        const task = tm.task({ name: 'many' }, async () => undefined);
        return () => task.sendMany([[], []]);
      },
    ],
    [
      'a send through middleware',
      { first: false },
      (tm) => {
        tm.use({
          name: 'slow',
          send: async (_, next) => {
            await new Promise((resolve) => setImmediate(resolve));
            return next();
          },
        });
        const task = tm.task({ name: 'wrapped' }, async () => undefined);
        return () => task.send();
      },
    ],
  ])('%s', async (_, { first }, sends) => {
    const tm = await manager({ brokerUrl: 'memory:' });
    const warmUp = tm.task({ name: 'warm-up' }, async () => undefined);
    const send = sends(tm);
    if (!first) await warmUp.send();
    const sent = send();
    await tm.close();
    await expect(sent).resolves.toBeTruthy();
  });

  it('rejects the invalid send, and resolves itself', async () => {
    const tm = await manager({ brokerUrl: 'memory:' });
    const task = tm.task({ name: 'checked', schema: z.string() }, async () => undefined);
    const sent = expect(task.send(5 as never)).rejects.toMatchObject({ code: 'ARGUMENTS_INVALID' });
    await tm.close();
    await sent;
  });
});

describe('closing a manager twice', () => {
  it('resolves both calls when the close has ended', async () => {
    const clock = new ManualClock();
    const tm = await manager({ broker: new MemoryBroker({ clock }), clock });
    const task = tm.task({ name: 'long' }, async () => {
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 1_000));
    });
    const worker = tm.createWorker();
    await worker.start();
    await task.send();
    await clock.advance(1);
    const ended: string[] = [];
    const closing = ['first', 'second'].map((name) => tm.close().then(() => ended.push(name)));
    await clock.advance(900);
    expect(ended).toEqual([]);
    await clock.advance(200);
    await Promise.all(closing);
    expect(ended).toHaveLength(2);
    await tm.close();
  });
});

describe('closing a manager whose broker', () => {
  it('never answers a publish ends once the send has timed out', async () => {
    const clock = new ManualClock();
    const broker = new MemoryBroker({ clock });
    broker.publish = () => new Promise(() => undefined);
    const tm = await manager({ broker, clock, sendTimeout: '5s' });
    const task = tm.task({ name: 'lost' }, async () => undefined);
    const sent = expect(task.send()).rejects.toMatchObject({ code: 'SEND_TIMEOUT' });
    let closed = false;
    const closing = tm.close().then(() => {
      closed = true;
    });
    await clock.advance(5_000);
    expect(closed).toBe(false);
    await clock.advance(1_000);
    expect(closed).toBe(true);
    await Promise.all([sent, closing]);
    expect(broker.isClosed).toBe(true);
  });

  it('rejects its close still closes the result store, and rejects with that error', async () => {
    const results = new MemoryBroker();
    registerBroker('results', () => results);
    const broker = new MemoryBroker();
    broker.close = () => Promise.reject(new Error('cannot close'));
    const tm = await manager({ broker, resultUrl: 'results:' });
    const task = tm.task({ name: 'sum', result: '1h' }, async () => 1);
    await tm.createWorker().start();
    expect(await (await task.send()).result()).toBe(1);
    await expect(tm.close()).rejects.toThrow('cannot close');
    expect(results.isClosed).toBe(true);
  });
});

describe('a worker that has ended', () => {
  /** Returns whether closing its manager stops the worker once more. */
  async function isStoppedAtClose(worker: Worker, tm: TaskManager): Promise<boolean> {
    let stopped = false;
    const stop = worker.stop.bind(worker);
    worker.stop = (options) => {
      stopped = true;
      return stop(options);
    };
    await tm.close();
    return stopped;
  }

  it('is kept by its manager before it ends', async () => {
    const tm = await manager({ broker: new MemoryBroker() });
    const worker = tm.createWorker();
    await worker.start();
    await expect(worker.start()).rejects.toMatchObject({ code: 'WORKER_STARTED_TWICE' });
    expect(await isStoppedAtClose(worker, tm)).toBe(true);
  });

  it('is forgotten once it has stopped, and the process stays in worker mode', async () => {
    const tm = await manager({ broker: new MemoryBroker() });
    const worker = tm.createWorker();
    await worker.start();
    await worker.stop();
    expect(tm.runMode).toBe('worker');
    expect(await isStoppedAtClose(worker, tm)).toBe(false);
  });

  it('is forgotten if it was stopped before it started', async () => {
    const tm = await manager({ broker: new MemoryBroker() });
    const worker = tm.createWorker();
    await worker.stop();
    expect(await isStoppedAtClose(worker, tm)).toBe(false);
  });

  it('is forgotten if its start failed', async () => {
    const broker = new MemoryBroker();
    broker.subscribe = () => Promise.reject(new Error('away'));
    const tm = await manager({ broker });
    const worker = tm.createWorker();
    await expect(worker.start()).rejects.toThrow('away');
    expect(await isStoppedAtClose(worker, tm)).toBe(false);
  });
});

describe('a broker that managers share by name', () => {
  it('stays open when the first manager closes, even twice, and closes with the last', async () => {
    const brokerUrl = `memory:${randomUUID()}`;
    const [first, second] = [await manager({ brokerUrl }), await manager({ brokerUrl })];
    const task = first.task({ name: 'shared', result: '1h' }, async () => 'run by first');
    const same = second.task({ name: 'shared', result: '1h' }, async () => 'run by second');
    await first.createWorker().start();
    const kept = await first.broker();
    expect(await (await same.send()).result()).toBe('run by first');
    await second.close();
    await second.close();
    expect(await (await task.send()).result()).toBe('run by first');
    await first.close();
    await expect(kept.publish([])).rejects.toMatchObject({ code: 'BROKER_CLOSED' });
  });
});

describe('a closed manager', () => {
  it('refuses sends and workers and opens nothing, because their messages would not run and the process would not end', async () => {
    const tm = await manager({ brokerUrl: 'memory:' });
    const task = tm.task({ name: 'late', result: '1h' }, async () => undefined);
    const handle = await task.send();
    const refused = { name: 'BrokerUnavailableError', code: 'BROKER_CLOSED' };
    await tm.close();
    const late = [task.send(), task.sendMany([[]]), task.with({ delay: 1 }).send(), tm.broker(), handle.result()];
    await Promise.all(late.map((each) => expect(each).rejects.toMatchObject(refused)));
    expect(() => tm.createWorker()).toThrow(expect.objectContaining(refused));
    await tm.close();
    expect(task.queueName).toBe('default');
  });

  it('lets running handlers send, and accepts no further worker', async () => {
    const tm = await manager({ brokerUrl: 'memory:' });
    let end: (() => void) | undefined;
    const sent: unknown[] = [];
    const after = tm.task({ name: 'after' }, async () => undefined);
    const last = tm.task({ name: 'last' }, async () => {
      await new Promise<void>((resolve) => {
        end = resolve;
      });
      sent.push(await after.send());
    });
    const worker = tm.createWorker();
    await worker.start();
    await last.send();
    await vi.waitUntil(() => end !== undefined);
    const closing = tm.close();
    expect(() => tm.createWorker()).toThrow(expect.objectContaining({ code: 'BROKER_CLOSED' }));
    end?.();
    await closing;
    expect(sent).toMatchObject([{ isNew: true }]);
  });

  it('that was never used refuses them too, and does not use the result store', async () => {
    const tm = await manager({ brokerUrl: 'memory:', resultUrl: 'memory:results' });
    const task = tm.task({ name: 'never', result: '1h' }, async () => undefined);
    await tm.close();
    await expect(task.send()).rejects.toMatchObject({ code: 'BROKER_CLOSED' });
    await tm.initialize({ brokerUrl: 'memory:', resultUrl: 'memory:results' });
    const handle = await task.send();
    await tm.close();
    await expect(handle.result()).rejects.toMatchObject({ code: 'BROKER_CLOSED' });
  });

  it('lets middleware of pending calls send, too', async () => {
    const tm = await manager({ brokerUrl: 'memory:' });
    const audit = tm.task({ name: 'audit' }, async () => undefined);
    const audited: unknown[] = [];
    tm.use({
      name: 'audit',
      send: async ({ message }, next) => {
        const receipt = await next();
        if (message.task !== 'audit') audited.push(await audit.send());
        return receipt;
      },
    });
    const task = tm.task({ name: 'audited' }, async () => undefined);
    const sent = task.send();
    await tm.close();
    await expect(sent).resolves.toMatchObject({ isNew: true });
    expect(audited).toHaveLength(1);
  });

  it('has closed its given broker: initialize needs another one', async () => {
    const broker = new MemoryBroker();
    const tm = await manager({ broker });
    const task = tm.task({ name: 'again' }, async () => undefined);
    await task.send();
    const closing = tm.close();
    expect(() => tm.configure({})).toThrow(expect.objectContaining({ code: 'INITIALIZED_TOO_LATE' }));
    await closing;
    await expect(tm.initialize({})).rejects.toMatchObject({ code: 'BROKER_CLOSED' });
    await tm.initialize({ brokerUrl: 'memory:' });
    expect(await task.send()).toMatchObject({ isNew: true });
    await tm.close();
  });

  it('is opened again by initialize, with middleware added before', async () => {
    const tm = await manager({ brokerUrl: 'memory:' });
    const task = tm.task({ name: 'again' }, async () => undefined);
    await task.send();
    await tm.close();
    const passed: string[] = [];
    tm.use({
      name: 'seen',
      send: async ({ message }, next) => {
        passed.push(message.task);
        return next();
      },
    });
    await tm.initialize({ brokerUrl: 'memory:' });
    expect(await task.send()).toMatchObject({ isNew: true });
    expect(passed).toEqual(['again']);
    await tm.close();
  });
});

it.each<[string, Parameters<TaskManager['initialize']>[0], string]>([
  ['a URL', { brokerUrl: 'memory:replaced' }, 'memory:replaced'],
  ['another object', { broker: new MemoryBroker() }, 'custom:'],
])('%s that is given after a broker object replaces it, and closes it', async (_, options, brokerUrl) => {
  const broker = new MemoryBroker();
  const close = vi.spyOn(broker, 'close');
  const tm = await manager({ broker });
  await tm.initialize(options);
  expect([close.mock.calls.length, tm.config.brokerUrl]).toEqual([1, brokerUrl]);
  await tm.close();
});
