import assert from 'node:assert/strict';
import type { Limit } from '../../limits/limit.ts';
import type { TestBench } from './bench.ts';
import type { Group } from './group.ts';
import { recordsOf } from './kept-records.ts';
import { type WorkerBench, worker } from './worker-bench.ts';

interface Work {
  readonly account: string;
  readonly name: string;
}

interface Limited extends WorkerBench {
  readonly started: readonly string[];
  /** Sends a message of the debounced key. */
  send(account: string, name: string): Promise<string>;
  /** Lets the message that holds the slot of account A end. */
  free(): void;
}

/** A task with one slot for each account, and a message that holds the slot of account A. */
async function limited(bench: TestBench): Promise<Limited> {
  const { records, limits } = bench.broker;
  const store = {
    ...(records === undefined && { records: recordsOf(bench) }),
    ...(limits === undefined && { limits: await bench.limits() }),
  };
  const started: string[] = [];
  let limit: Limit | undefined;
  let free: () => void = () => undefined;
  const run = async ({ name }: Work) => {
    started.push(name);
    if (name === 'busy') await new Promise<void>((resolve) => (free = resolve));
  };
  const limitsOf = (work: unknown) => [(limit as Limit).for((work as Work).account)];
  const made = await worker(bench, run, {
    task: { limits: limitsOf },
    ...(Object.keys(store).length > 0 && { manager: { store } }),
  });
  limit = made.manager.limit({ name: 'account', concurrency: 1 });
  await made.task.send({ account: 'A', name: 'busy' });
  await made.until({});
  const isBusy = () => started.includes('busy');
  await bench.until(isBusy, 3_000, () => 'the slot of account A is free');
  const debounced = made.task.with({ debounce: { key: 'k', wait: '100ms' } });
  return {
    ...made,
    started,
    send: async (account, name) => (await debounced.send({ account, name })).outcome,
    free: () => free(),
  };
}

export const debouncedLimits: Group = {
  name: 'debounced messages and limits on this broker',
  cases(it) {
    it('starts the newest arguments of a key last, if older ones wait for the limit of another key', async (bench) => {
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      const { started, send, free } = await limited(bench);
      const dueMs = 500 + 2 * bench.broker.capabilities.delayResolutionMs;
      assert.equal(await send('A', 'old'), 'new');
      // It is due, and a worker has asked for its slot.
      await bench.pass(dueMs);
      assert.deepEqual(started, ['busy']);
      await send('B', 'new');
      await bench.pass(dueMs);
      free();
      // A store keeps the newest arguments for the message that waits, which a broker may not be able to wake.
      const hasStarted = () => started.includes('new');
      await bench.until(hasStarted, 15_000, () => 'the newest arguments have not started');
      await bench.pass(1_500);
      assert.deepEqual(started, ['busy', 'new']);
    }, 30_000);
  },
};
