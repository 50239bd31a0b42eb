import { firstMessages } from '@brokkr/core/adapter';
import { ManualClock } from '@brokkr/core/testing';
import { describe, expect, it } from 'vitest';
import { subscribingOtherwise } from '../../../packages/core/src/testing/suite/subscribing-otherwise.ts';
import { LEASE_MS, stopsWithin, workerBench } from './worker-bench.ts';

const never = () => new Promise<never>(() => undefined);

describe('a worker whose server does not answer', () => {
  it('stops within 2 s of its last handler, although a fetch never ends', async () => {
    const { tm, clock } = await workerBench((broker) => subscribingOtherwise(broker, () => ({ receive: never })));
    const worker = tm.createWorker();
    await worker.start();
    expect(await stopsWithin(worker, clock, 60_000)).toBe(2_000);
    await tm.close();
  });

  it('counts the 2 s from the end of its last handler, whose settlement it waits for', async () => {
    let hangs = false;
    const { tm, clock, broker } = await workerBench((memory) =>
      subscribingOtherwise(memory, (subscription) => ({
        receive: (limit, how) => (hangs ? never() : subscription.receive(limit, how)),
      })),
    );
    const task = tm.task({ name: 'long' }, async () => {
      hangs = true;
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 5_000));
    });
    await task.send();
    const worker = tm.createWorker();
    await worker.start();
    await clock.advance(1_000);
    expect(await stopsWithin(worker, clock, 60_000)).toBe(6_000);
    expect(await broker.inspector.counts('default')).toMatchObject({ acknowledged: 1, running: 0 });
    await tm.close();
  });

  it('stops within 2 s although its subscription does not close', async () => {
    const { tm, clock } = await workerBench((broker) => subscribingOtherwise(broker, () => ({ close: never })));
    const worker = tm.createWorker();
    await worker.start();
    expect(await stopsWithin(worker, clock, 60_000)).toBe(2_000);
    await tm.close();
  });

  it('starts no message that arrives after the stop was requested', async () => {
    let runs = 0;
    let answer = () => {};
    const { tm, clock, broker } = await workerBench((memory) =>
      subscribingOtherwise(memory, (subscription) => ({
        receive: async (limit, { wait }) => {
          await new Promise<void>((resolve) => {
            answer = resolve;
          });
          return subscription.receive(limit, { signal: new AbortController().signal, wait });
        },
      })),
    );
    const task = tm.task({ name: 'late' }, async () => void runs++);
    await task.send();
    const worker = tm.createWorker();
    await worker.start();
    await clock.advance(1);
    expect(await stopsWithin(worker, clock, 3_000)).toBe(2_000);
    answer();
    await clock.advance(LEASE_MS + 1);
    expect(runs).toBe(0);
    expect(await broker.inspector.counts('default')).toMatchObject({ ready: 1, running: 0 });
    await tm.close();
  });
});

describe('a worker that is stopped immediately', () => {
  it('hands back the messages of its last fetch, in order, and waits for that', async () => {
    const { tm, clock, broker } = await workerBench((memory) =>
      subscribingOtherwise(memory, (subscription) => ({
        // A broker that returns messages although the call was aborted.
        receive: async (limit, { signal }) => {
          const deliveries = await subscription.receive(limit, { signal: new AbortController().signal, wait: false });
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
          return deliveries;
        },
      })),
    );
    const task = tm.task({ name: 'waiting' }, async (_: number) => undefined);
    await task.sendMany([[1], [2], [3]]);
    const sent = (await firstMessages(broker.inspector, 'default', 'ready', 10)).map(({ id }) => id);
    const worker = tm.createWorker();
    await worker.start();
    expect(await stopsWithin(worker, clock, 0)).toBe(0);
    expect((await firstMessages(broker.inspector, 'default', 'ready', 10)).map(({ id }) => id)).toEqual(sent);
    await tm.close();
  });

  it('keeps the failure of its last task as the result, and settles it', async () => {
    const clock = new ManualClock();
    const { tm, broker } = await workerBench(undefined, clock, ({ results }) => ({
      store: async (...given) => {
        await new Promise<void>((resolve) => clock.setTimeout(resolve, 500));
        await results.store(...given);
      },
      load: (id, signal) => results.load(id, signal),
    }));
    const task = tm.task({ name: 'failing', maxRetries: 0, result: '1h' }, async () => {
      throw new Error('no');
    });
    await task.send();
    const worker = tm.createWorker();
    await worker.start();
    await clock.advance(1);
    expect(await stopsWithin(worker, clock, 3_000)).toBe(499);
    expect(await broker.inspector.counts('default')).toMatchObject({ dead: 1, running: 0 });
    await tm.close();
  });

  it.each([{ timeout: 'abc' }, { timeuot: 5 }, null])('rejects invalid options: %j', async (options) => {
    const { tm } = await workerBench();
    const stopping = tm.createWorker().stop(options as never);
    await expect(stopping).rejects.toMatchObject({ name: 'ConfigError' });
    await tm.close();
  });
});

it('a removed listener of once is not called, and one that rejects stops nothing', async () => {
  const { tm, clock } = await workerBench();
  const task = tm.task({ name: 'told' }, async () => undefined);
  const heard: string[] = [];
  const worker = tm.createWorker();
  const taken = () => heard.push('taken off');
  const rejecting: () => unknown = async () => {
    throw new Error('metrics are away');
  };
  worker.once('succeeded', taken).off('succeeded', taken);
  worker.once('succeeded', rejecting).on('succeeded', () => heard.push('succeeded'));
  await worker.start();
  await task.sendMany([[], []]);
  await clock.advance(1);
  expect(heard).toEqual(['succeeded', 'succeeded']);
  await tm.close();
});
