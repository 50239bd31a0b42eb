import { hostname } from 'node:os';
import type { MemoryBroker } from '@brokkr/broker-memory';
import type { Broker } from '@brokkr/core';
import type { WorkerDirectory } from '@brokkr/core/adapter';
import { describe, expect, it } from 'vitest';
import { stopsWithin, workerBench } from '../worker/worker-bench.ts';

/** The broker with another directory of workers. */
function withWorkers(change: (workers: WorkerDirectory) => Partial<WorkerDirectory>) {
  return (broker: MemoryBroker): Broker => {
    const { workers } = broker;
    const plain: WorkerDirectory = {
      report: workers.report.bind(workers),
      retire: workers.retire.bind(workers),
      reports: workers.reports.bind(workers),
    };
    Object.defineProperty(broker, 'workers', { value: { ...plain, ...change(plain) } });
    return broker;
  };
}

describe('tm.workers()', () => {
  it('has every living worker, with its tasks that run', async () => {
    const { clock, tm } = await workerBench();
    const startedAt = clock.now();
    const task = tm.task({ name: 'job' }, () => new Promise<void>((resolve) => clock.setTimeout(resolve, 30_000)));
    await tm.createWorker({ queues: { default: 2, other: 1 }, concurrency: 3, workerId: 'w1' }).start();
    await tm.createWorker({ queues: ['other'], workerId: 'w2' }).start();
    await clock.advance(1_000);
    const { id } = await task.send();
    await clock.advance(5_000);
    const [first, second, ...others] = await tm.workers();
    expect(others).toEqual([]);
    expect(first).toMatchObject({
      id: 'w1',
      host: hostname(),
      pid: process.pid,
      version: '0.1.0',
      state: 'running',
      queues: { default: 2, other: 1 },
      paused: [],
      concurrency: 3,
      runningCount: 1,
      startedAt,
      running: [{ id, task: 'job', queue: 'default', attempt: 1, startedAt: startedAt + 1_000 }],
    });
    expect(first?.rssBytes).toBeGreaterThan(1e6);
    expect(first?.loopDelayMs).toBeGreaterThanOrEqual(0);
    expect(first?.ageMs).toBeLessThan(5_000);
    expect(second).toMatchObject({ id: 'w2', runningCount: 0, running: [] });
    const closing = tm.close();
    await clock.advance(40_000);
    await closing;
  });

  it('names pauses at once, and forgets a worker that stopped', async () => {
    const { clock, tm } = await workerBench();
    const worker = tm.createWorker();
    await worker.start();
    await tm.queue('default').pause();
    await clock.advance(0);
    expect(await tm.workers()).toMatchObject([{ paused: ['default'] }]);
    await worker.stop();
    expect(await tm.workers()).toEqual([]);
    await tm.close();
  });

  it('counts the ends of runs', async () => {
    const { clock, tm } = await workerBench();
    const task = tm.task({ name: 'job', maxRetries: 0 }, async (fails: boolean) => {
      if (fails) throw new Error('failed');
    });
    await tm.createWorker().start();
    await task.sendMany([[true], [false], [false]]);
    await clock.advance(70_000);
    const [{ totals = [] } = {}] = await tm.workers();
    const sum = (name: 'succeeded' | 'dead') => totals.reduce((all, each) => all + each[name], 0);
    expect([sum('succeeded'), sum('dead')]).toEqual([2, 1]);
    await tm.close();
  });

  it('is refused on a broker without reports', async () => {
    const { tm } = await workerBench((broker) => Object.defineProperty(broker, 'workers', { value: undefined }));
    await expect(tm.workers()).rejects.toMatchObject({ code: 'WORKERS_UNSUPPORTED' });
    await tm.close();
  });
});

describe('reports of a worker', () => {
  it('come as often as the broker wants them', async () => {
    const times: number[] = [];
    const { clock, tm } = await workerBench(
      withWorkers(() => ({
        report: async () => {
          times.push(clock.now());
          return { nextMs: 7_000 };
        },
      })),
    );
    const startedAt = clock.now();
    await tm.createWorker().start();
    await clock.advance(15_000);
    expect(times.map((at) => at - startedAt)).toEqual([0, 7_000, 14_000]);
    await tm.close();
  });

  it('that fail touch no task, and are tried again', async () => {
    let failures = 0;
    const { clock, tm, broker } = await workerBench(
      withWorkers(() => ({
        report: () => {
          failures++;
          return Promise.reject(new Error('full'));
        },
      })),
    );
    const task = tm.task({ name: 'job' }, async () => undefined);
    await tm.createWorker().start();
    await task.send();
    await clock.advance(11_000);
    expect(failures).toBe(3);
    expect(await broker.inspector.counts('default')).toMatchObject({ acknowledged: 1 });
    await tm.close();
  });

  it('that are never answered delay a stop by at most two seconds', async () => {
    const { clock, tm } = await workerBench(withWorkers(() => ({ report: () => new Promise(() => undefined) })));
    const worker = tm.createWorker();
    await worker.start();
    expect(await stopsWithin(worker, clock, 10_000)).toBeLessThanOrEqual(2_000);
    await tm.close();
  });
});
