import { TaskFailedError } from '@brokkr/core';
import { describe, expect, it } from 'vitest';
import { aSecondOfWork, crash, workerBench } from './worker-bench.ts';

describe('the result of a message that never ran', () => {
  it('is a failure with the number of crashes, as is the error of the event `dead`', async () => {
    const { tm, clock, broker } = await workerBench();
    const task = tm.task({ name: 'poison', result: '1h' }, async () => 'ran');
    const handle = await task.send();
    await crash(broker, clock, 3);
    const worker = tm.createWorker();
    const told: unknown[] = [];
    worker.on('dead', ({ error }) => told.push(error));
    await worker.start();
    await aSecondOfWork(clock);
    await expect(handle.result()).rejects.toMatchObject({
      name: 'TaskFailedError',
      message: expect.stringContaining('crashed: 3 workers died'),
    });
    expect(told).toEqual([expect.any(TaskFailedError)]);
    expect(await broker.inspector.counts('default')).toMatchObject({ dead: 1 });
    await tm.close();
  });

  it('is stored in a separate store after it is a dead letter', async () => {
    let deadBefore: number | undefined;
    const { tm, clock, broker } = await workerBench(undefined, undefined, ({ inspector, results }) => ({
      store: async (...given) => {
        deadBefore = (await inspector.counts('default')).dead;
        await results.store(...given);
      },
      load: (id, signal) => results.load(id, signal),
    }));
    const task = tm.task({ name: 'poison', result: '1h' }, async () => 'ran');
    const handle = await task.send();
    await crash(broker, clock, 3);
    await tm.createWorker().start();
    await aSecondOfWork(clock);
    expect(deadBefore).toBe(1);
    await expect(handle.result()).rejects.toMatchObject({ name: 'TaskFailedError' });
    await tm.close();
  });

  it('is a failure that reports the expiry', async () => {
    const { tm, clock, broker } = await workerBench();
    const task = tm.task({ name: 'late', result: '1h' }, async () => 'ran');
    const handle = await task.with({ expiresIn: '1s' }).send();
    await clock.advance(2_000);
    await tm.createWorker().start();
    await aSecondOfWork(clock);
    await expect(handle.result()).rejects.toMatchObject({
      name: 'TaskFailedError',
      message: expect.stringContaining('expired: it had not started in time'),
    });
    expect(await broker.inspector.counts('default')).toMatchObject({ ready: 0, running: 0 });
    await tm.close();
  });

  it('is not stored if the task keeps no results, and the message becomes a dead letter all the same', async () => {
    const { tm, clock, broker } = await workerBench();
    let stored = 0;
    broker.results.store = async () => void stored++;
    const task = tm.task({ name: 'plain' }, async () => 'ran');
    await task.send();
    await crash(broker, clock, 3);
    await tm.createWorker().start();
    await aSecondOfWork(clock);
    expect([stored, (await broker.inspector.counts('default')).dead]).toEqual([0, 1]);
    await tm.close();
  });
});
