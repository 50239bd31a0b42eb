import assert from 'node:assert/strict';
import type { Batch } from '../../batches/batch.ts';
import { firstMessages } from '../../broker/page-messages.ts';
import type { BatchOptions } from '../../task/batch-settings.ts';
import type { TestBench } from './bench.ts';
import type { Group } from './group.ts';
import { crash, quickRetries, stopAtTearDown, suiteManager } from './worker-bench.ts';

/** A batch task on the broker under test, and a worker that runs it. */
async function batching(
  bench: TestBench,
  batch: BatchOptions,
  handler: (items: number[], batch: Batch) => void | Promise<void> = () => undefined,
) {
  const manager = suiteManager(bench);
  const retries = quickRetries(bench, 2);
  const calls: number[][] = [];
  const task = manager.batchTask({ name: 'gathered', ...retries, batch }, (items: number[], outcomes) => {
    calls.push([...items]);
    return handler(items, outcomes);
  });
  const worker = manager.createWorker({ concurrency: 2 });
  const events: string[] = [];
  for (const event of ['succeeded', 'dead'] as const) worker.on(event, () => events.push(event));
  stopAtTearDown(bench, manager, worker);
  const until = (done: () => boolean, boundMs = 5_000) =>
    bench.until(done, boundMs, () => `calls: ${JSON.stringify(calls)}; events: ${events.join(', ')}`);
  return { task, worker, calls, events, until };
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => [n] as [number]);

export const batches: Group = {
  name: 'batches',
  cases(it) {
    it('gathers many messages into one call, and runs a smaller one after the timeout', async (bench) => {
      const { task, worker, calls, events, until } = await batching(bench, { size: 100, timeout: '400ms' });
      await task.sendMany(numbers(130));
      await worker.start();
      await until(() => events.length === 130);
      assert.deepEqual(
        calls.flat().toSorted((one, other) => one - other),
        Array.from({ length: 130 }, (_, n) => n),
      );
      assert(calls.length <= 4 && (calls[0]?.length ?? 0) > 10, `sizes: ${calls.map(({ length }) => length).join()}`);
    }, 20_000);

    it('makes one poison message of a hundred a dead letter, and runs the others', async (bench) => {
      const inspector = bench.part('inspector');
      const poison = (items: number[], batch: Batch) => {
        const at = items.indexOf(40);
        if (at >= 0) batch.fail(at, new Error('poison'));
      };
      const { task, worker, events, until } = await batching(bench, { size: 100, timeout: '200ms' }, poison);
      await task.sendMany(numbers(100));
      await worker.start();
      await until(() => events.length === 100, 5_000 + 4 * bench.broker.capabilities.delayResolutionMs);
      assert.equal(events.filter((event) => event === 'dead').length, 1);
      const letters = await firstMessages(inspector, bench.queue, 'dead', 5);
      assert.deepEqual(
        letters.map(({ body }) => JSON.parse(Buffer.from(body).toString())),
        [[40]],
      );
    }, 30_000);

    it('gives back what has gathered when the worker stops, without a crash', async (bench) => {
      const { task, worker, calls } = await batching(bench, { size: 100, timeout: '10m' });
      await task.sendMany(numbers(40));
      await worker.start();
      await bench.pass(300);
      const stopping = worker.stop();
      if (bench.isVirtual) await bench.pass(10_000);
      await stopping;
      assert.deepEqual(calls, []);
      const other = await bench.subscribe(bench.queue, { prefetch: 40 });
      const back = await bench.take(other, 40, bench.recoveryMs);
      assert.deepEqual([...new Set(back.map(({ crashes }) => crashes))], [0]);
    }, 20_000);

    it('runs each message alone after two crashes, so that only a poison message can die', async (bench) => {
      const { task, worker, calls, events, until } = await batching(bench, { size: 10, timeout: '100ms' });
      await task.sendMany(numbers(3));
      for (let round = 0; round < 2; round++) await crash(bench, 3);
      await worker.start();
      await until(() => events.length === 3, bench.recoveryMs + 5_000);
      assert.deepEqual(
        calls.map(({ length }) => length),
        [1, 1, 1],
      );
    }, 60_000);
  },
};
