import assert from 'node:assert/strict';
import { step } from '../../steps/step.ts';
import { currentTask } from '../../task/current-task.ts';
import type { TaskHandle } from '../../task/task-handle.ts';
import type { TestBench } from './bench.ts';
import type { Group } from './group.ts';
import { joining } from './joining.ts';
import { stopAtTearDown, type WorkerBench } from './worker-bench.ts';

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

interface Debouncing extends WorkerBench {
  /** Sends a message of the key. */
  readonly send: (value: number) => Promise<TaskHandle<unknown>>;
  /** Longest wait for a message that is due, and for its retry. */
  readonly boundMs: number;
}

/** A task whose messages are debounced by one key, and a worker. */
async function debouncing(bench: TestBench, handler: (value: number) => unknown): Promise<Debouncing> {
  bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
  const made = await joining(bench, handler, { task: { retryDelay: '1s' } });
  const debounced = made.task.with({ debounce: { key: 'k', wait: '100ms' } });
  const boundMs = 4_000 + 6 * bench.broker.capabilities.delayResolutionMs;
  return { ...made, send: (value) => debounced.send(value), boundMs };
}

export const debouncedRuns: Group = {
  name: 'a debounced message whose run fails',
  cases(it) {
    it('does not run again after a later one that came during the run', async (bench) => {
      const ran: unknown[] = [];
      let sendLater: () => Promise<unknown> = async () => undefined;
      const { send, until, boundMs } = await debouncing(bench, async (value) => {
        ran.push(`${value} ${currentTask().attempt}`);
        if (value !== 1) return;
        await sendLater();
        throw new Error('again');
      });
      sendLater = () => send(2);
      await send(1);
      await until({ succeeded: 1 }, boundMs);
      await isEmpty(bench, boundMs);
      assert.deepEqual(ran, ['1 1', '2 1']);
    }, 30_000);

    it('does not run again after a later one that came while it waited for its retry, and leaves it no steps', async (bench) => {
      const ran: unknown[] = [];
      const loaded: unknown[] = [];
      const { send, until, boundMs } = await debouncing(bench, async (value) => {
        ran.push(`${value} ${currentTask().attempt}`);
        loaded.push(await step('load', () => value));
        if (value === 1) throw new Error('again');
      });
      await send(1);
      await until({ retrying: 1 }, boundMs);
      assert.equal((await send(2)).outcome, 'new');
      await until({ succeeded: 1 }, boundMs);
      await isEmpty(bench, boundMs);
      assert.deepEqual(
        [ran, loaded],
        [
          ['1 1', '2 1'],
          [1, 2],
        ],
      );
    }, 30_000);

    it('does not run after a later one that ran elsewhere when its worker gives it back', async (bench) => {
      const ran: unknown[] = [];
      const { manager, worker, send, until, boundMs } = await debouncing(bench, async (value) => {
        ran.push(value);
        const { signal } = currentTask();
        if (value === 1) await new Promise((resolve) => signal.addEventListener('abort', resolve));
        signal.throwIfAborted();
      });
      const hasRun = (value: number) =>
        bench.until(
          () => ran.includes(value),
          boundMs,
          () => `${value} has not run`,
        );
      await send(1);
      await until({});
      await hasRun(1);
      await send(2);
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
