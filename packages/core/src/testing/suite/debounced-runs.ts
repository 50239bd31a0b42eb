import assert from 'node:assert/strict';
import { currentTask } from '../../task/current-task.ts';
import type { TestBench } from './bench.ts';
import type { Group } from './group.ts';
import { joining } from './joining.ts';

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
      const { outcome } = await debounced.send(2);
      // On RabbitMQ it is removed when it comes back.
      assert.equal(outcome, bench.broker.capabilities.collapse === true ? 'replaced' : 'new');
      await until({ succeeded: 1 }, boundMs);
      await isEmpty(bench, boundMs);
      assert.deepEqual(ran, ['1 1', '2 1']);
    }, 30_000);
  },
};
