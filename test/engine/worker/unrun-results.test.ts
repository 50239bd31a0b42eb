import { TaskFailedError } from '@brokkr/core';
import { describe, expect, it } from 'vitest';
import { aSecondOfWork, crash, workerBench } from './worker-bench.ts';

describe('the result of a message that no handler saw', () => {
  it('is a failure that tells how often it crashed, and the event `dead` tells it too', async () => {
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

  it('is stored before it is dead-lettered, so that nobody finds it dead and asks in vain', async () => {
    const { tm, clock, broker } = await workerBench();
    const task = tm.task({ name: 'poison', result: '1h' }, async () => 'ran');
    await task.send();
    await crash(broker, clock, 3);
    const store = broker.results.store.bind(broker.results);
    let deadBefore: number | undefined;
    broker.results.store = async (...given) => {
      deadBefore = (await broker.inspector.counts('default')).dead;
      await store(...given);
    };
    await tm.createWorker().start();
    await aSecondOfWork(clock);
    expect(deadBefore).toBe(0);
    expect(await broker.inspector.counts('default')).toMatchObject({ dead: 1 });
    await tm.close();
  });

  it('is a failure that says that it has expired', async () => {
    const { tm, clock, broker } = await workerBench();
    const task = tm.task({ name: 'late', result: '1h' }, async () => 'ran');
    const handle = await task.with({ expiresIn: '1s' }).send();
    await clock.advance(2_000);
    await tm.createWorker().start();
    await aSecondOfWork(clock);
    await expect(handle.result()).rejects.toMatchObject({
      name: 'TaskFailedError',
      message: expect.stringContaining('expired: its time was over before it started'),
    });
    expect(await broker.inspector.counts('default')).toMatchObject({ ready: 0, running: 0 });
    await tm.close();
  });

  it('of a task that keeps none is not stored, and it dies all the same', async () => {
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
