import assert from 'node:assert/strict';
import { step } from '../../steps/step.ts';
import { currentTask } from '../../task/current-task.ts';
import type { TestBench } from './bench.ts';
import type { Group } from './group.ts';
import { joining } from './joining.ts';
import { stopAtTearDown } from './worker-bench.ts';

/** Waits until no message of the queue is left. */
async function isEmpty(bench: TestBench, boundMs: number): Promise<void> {
  const inspector = bench.part('inspector');
  await bench.until(
    async () => {
      const { ready, delayed, running } = await inspector.counts(bench.queue);
      return (ready ?? 0) + (delayed ?? 0) + (running ?? 0) === 0;
    },
    boundMs,
    () => 'messages are left',
  );
}

export const debouncedRuns: Group = {
  name: 'a debounced message whose run fails',
  cases(it) {
    it('does not run again after a later one that came during the run', async (bench) => {
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      const ran: unknown[] = [];
      let sendLater: () => Promise<unknown> = async () => undefined;
      const { task, until } = await joining(
        bench,
        async (value: unknown) => {
          ran.push(`${value} ${currentTask().attempt}`);
          if (value !== 1) return;
          await sendLater();
          throw new Error('again');
        },
        { task: { retryDelay: '1s' } },
      );
      const debounced = task.with({ debounce: { key: 'k', wait: '100ms' } });
      sendLater = () => debounced.send(2);
      await debounced.send(1);
      const boundMs = 4_000 + 6 * bench.broker.capabilities.delayResolutionMs;
      await until({ succeeded: 1 }, boundMs);
      await isEmpty(bench, boundMs);
      assert.deepEqual(ran, ['1 1', '2 1']);
    }, 30_000);

    it('does not run again after a later one that came while it waited for its retry', async (bench) => {
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      const ran: unknown[] = [];
      const { task, until } = await joining(
        bench,
        (value: unknown) => {
          ran.push(`${value} ${currentTask().attempt}`);
          if (value === 1) throw new Error('again');
        },
        { task: { retryDelay: '1s' } },
      );
      const debounced = task.with({ debounce: { key: 'k', wait: '100ms' } });
      await debounced.send(1);
      const boundMs = 4_000 + 6 * bench.broker.capabilities.delayResolutionMs;
      await until({ retrying: 1 }, boundMs);
      assert.equal((await debounced.send(2)).outcome, 'new');
      await until({ succeeded: 1 }, boundMs);
      await isEmpty(bench, boundMs);
      assert.deepEqual(ran, ['1 1', '2 1']);
    }, 30_000);

    it('leaves its steps to itself: a later one does its own', async (bench) => {
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      const done: unknown[] = [];
      const { task, until } = await joining(
        bench,
        async (value: unknown) => {
          done.push(`${value}: ${await step('load', () => value as number)}`);
          if (value === 1) throw new Error('again');
        },
        { task: { retryDelay: '1s' } },
      );
      const debounced = task.with({ debounce: { key: 'k', wait: '100ms' } });
      await debounced.send(1);
      const boundMs = 4_000 + 6 * bench.broker.capabilities.delayResolutionMs;
      await until({ retrying: 1 }, boundMs);
      await debounced.send(2);
      await until({ succeeded: 1 }, boundMs);
      assert.deepEqual(done, ['1: 1', '2: 2']);
    }, 30_000);

    it('does not run after a later one that ran elsewhere when its worker gives it back', async (bench) => {
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      const ran: unknown[] = [];
      const { manager, task, worker, until } = await joining(bench, async (value: unknown) => {
        ran.push(value);
        const { signal } = currentTask();
        if (value === 1) await new Promise((resolve) => signal.addEventListener('abort', resolve));
        signal.throwIfAborted();
      });
      const debounced = task.with({ debounce: { key: 'k', wait: '100ms' } });
      const boundMs = 4_000 + 6 * bench.broker.capabilities.delayResolutionMs;
      const hasRun = (value: number) =>
        bench.until(
          () => ran.includes(value),
          boundMs,
          () => `${value} has not run`,
        );
      await debounced.send(1);
      await until({});
      await hasRun(1);
      await debounced.send(2);
      await hasRun(2);
      await until({ succeeded: 1 });
      const other = manager.createWorker();
      stopAtTearDown(bench, manager, other);
      await other.start();
      const stopped = worker.stop({ timeout: 0 });
      if (bench.isVirtual) await bench.pass(10_000);
      await stopped;
      await isEmpty(bench, boundMs);
      assert.deepEqual(ran, [1, 2]);
    }, 40_000);
  },
};
