import assert from 'node:assert/strict';
import { LIMIT_HEADER, LIMITED_BY_HEADER, REASON_HEADER } from '../../broker/headers.ts';
import { firstMessages } from '../../broker/page-messages.ts';
import type { Limit } from '../../limits/limit.ts';
import { currentTask } from '../../task/current-task.ts';
import { RateLimitError } from '../../task/rate-limit-error.ts';
import type { TestBench } from './bench.ts';
import type { Group } from './group.ts';
import { type WorkerBench, type WorkerBenchOptions, worker } from './worker-bench.ts';

const RUN_MS = 30;

/** A run that takes a while by the clock of the bench. */
export async function work(bench: TestBench): Promise<void> {
  await new Promise<void>((resolve) => bench.clock.setTimeout(resolve, RUN_MS));
}

/** A task with limits and a worker; a broker that counts no permits gets the store beside it. */
export async function limited(
  bench: TestBench,
  handler: (...args: never[]) => unknown,
  options: WorkerBenchOptions = {},
): Promise<WorkerBench> {
  const limits = await bench.limits();
  return worker(bench, handler, {
    ...options,
    ...(bench.broker.limits === undefined && { manager: { store: { limits } } }),
  });
}

async function held(bench: TestBench): Promise<number> {
  const usage = await (await bench.limits()).usage();
  return usage.reduce((sum, each) => sum + each.held + each.waiting, 0);
}

export const limiting: Group = {
  name: 'a worker and limits on this broker',
  cases(it) {
    it('runs no more messages of a key than its slots, and keeps no slot at the end', async (bench) => {
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      let limit: Limit;
      const running = new Map<string, number>();
      let most = 0;
      const run = async (key: string) => {
        running.set(key, (running.get(key) ?? 0) + 1);
        most = Math.max(most, running.get(key) ?? 0);
        await work(bench);
        running.set(key, (running.get(key) ?? 0) - 1);
      };
      const { manager, task, until, events } = await limited(bench, run, {
        task: { limits: (key) => [limit.for(key as string)] },
        worker: { concurrency: 10 },
      });
      limit = manager.limit({ name: 'slots', concurrency: 2 });
      await task.sendMany(Array.from({ length: 16 }, (_, index) => [index % 2 === 0 ? 'a' : 'b']));
      await until({ succeeded: 16 }, 10_000);
      assert.equal(most, 2);
      assert.deepEqual([...new Set(events)], ['succeeded'], 'a message that waits has no event');
      await bench.until(
        async () => (await held(bench)) === 0,
        2_000,
        () => 'permits were left',
      );
    }, 25_000);

    it('counts no attempt and no crash for a message that waits for a rate', async (bench) => {
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      let limit: Limit;
      const starts: number[] = [];
      const attempts: number[] = [];
      const run = () => {
        starts.push(bench.clock.monotonic());
        attempts.push(currentTask().attempt);
      };
      const { manager, task, until, events } = await limited(bench, run, { task: { limits: () => [limit] } });
      limit = manager.limit({ name: 'rate', rate: 5, per: '1s' });
      await task.sendMany([[], [], [], []]);
      await until({ succeeded: 4 }, 4_000 + 4 * bench.broker.capabilities.delayResolutionMs);
      assert.deepEqual(attempts, [1, 1, 1, 1]);
      assert.deepEqual([...new Set(events)], ['succeeded']);
      const lastMs = (starts.at(-1) as number) - (starts[0] as number);
      assert(lastMs >= 550, `four messages of a limit of 5 a second started within ${lastMs} ms`);
    }, 20_000);

    it('gives the slot back after a failed attempt', async (bench) => {
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      let limit: Limit;
      const fail = () => {
        throw new Error('failed');
      };
      const { manager, task, until } = await limited(bench, fail, {
        task: { limits: () => [limit], maxRetries: 1 },
      });
      limit = manager.limit({ name: 'slots', concurrency: 1 });
      await task.sendMany([[], []]);
      await until({ dead: 2 }, 10_000);
      await bench.until(
        async () => (await held(bench)) === 0,
        2_000,
        () => 'permits were left',
      );
    }, 20_000);

    it('keeps the slot of a run that takes longer than the lease', async (bench) => {
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      let limit: Limit;
      let running = 0;
      let most = 0;
      const run = async () => {
        most = Math.max(most, ++running);
        await new Promise<void>((resolve) => bench.clock.setTimeout(resolve, 2.5 * bench.workerLeaseMs));
        running--;
      };
      const { manager, task, until } = await limited(bench, run, { task: { limits: () => [limit] } });
      limit = manager.limit({ name: 'slots', concurrency: 1 });
      await task.sendMany([[], []]);
      await until({ succeeded: 2 }, 8 * bench.workerLeaseMs + 5_000);
      assert.equal(most, 1);
    }, 40_000);

    it('stops the clock of a limit at a RateLimitError, and runs the same attempt again', async (bench) => {
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      let limit: Limit;
      const runs: [number, number][] = [];
      const run = () => {
        runs.push([bench.clock.monotonic(), currentTask().attempt]);
        if (runs.length === 1) throw new RateLimitError(limit, '1500ms');
      };
      const { manager, task, until } = await limited(bench, run, { task: { limits: () => [limit] } });
      limit = manager.limit({ name: 'rate', rate: 1_000, burst: 100 });
      await task.send();
      await until({ retrying: 1 });
      await bench.until(
        async () => (await (await bench.limits()).usage()).some(({ pausedMs }) => pausedMs > 0),
        2_000,
        () => 'the clock runs',
      );
      await task.send();
      await until({ succeeded: 2 }, 5_000 + 2 * bench.broker.capabilities.delayResolutionMs);
      const stoppedMs = Math.min(...runs.slice(1).map(([at]) => at)) - (runs[0]?.[0] as number);
      assert(stoppedMs >= 1_400, `a message started after ${stoppedMs} ms`);
      assert.deepEqual(
        runs.map(([, attempt]) => attempt),
        [1, 1, 1],
      );
    }, 15_000);

    it('delays a message of a limit that the worker does not know, and makes a dead letter for a malformed header', async (bench) => {
      const inspector = bench.part('inspector');
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      let runs = 0;
      const { task, until } = await limited(bench, () => void runs++);
      const envelope = (limits: string) =>
        bench.envelope({ headers: { 'brokkr-task': 'subject', 'brokkr-at': '1', [LIMIT_HEADER]: limits } });
      const bad = ['{}', '[["a"]]', '[["a","b","c"]]', '[[1,""]]', '[["a b",""]]', 'x', `[["a","${'k'.repeat(201)}"]]`];
      await bench.broker.publish([envelope('[["unknown",""]]'), ...bad.map(envelope)]);
      await task.send();
      await until({ succeeded: 1, dead: bad.length }, 5_000);
      const letters = await firstMessages(inspector, bench.queue, 'dead', 20);
      assert(letters.every(({ headers }) => headers[REASON_HEADER]?.startsWith('malformed: ')));
      await bench.until(
        async () => (await inspector.counts(bench.queue)).delayed === 1,
        3_000,
        () => 'the message is not delayed',
      );
      assert.equal(runs, 1);
    }, 15_000);

    it('says in a header which limit a delayed message waits for', async (bench) => {
      const inspector = bench.part('inspector');
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      let limit: Limit;
      const { manager, task, until } = await limited(bench, () => undefined, { task: { limits: () => [limit] } });
      limit = manager.limit({ name: 'slow', rate: 1, per: '1h' });
      await task.sendMany([[], []]);
      await until({ succeeded: 1 });
      await bench.until(
        async () => (await inspector.counts(bench.queue)).delayed === 1,
        3_000,
        () => 'the message is not delayed',
      );
      const [waiting] = await firstMessages(inspector, bench.queue, 'delayed', 1);
      if (waiting !== undefined) assert.equal(waiting.headers[LIMITED_BY_HEADER], 'slow');
    }, 15_000);
  },
};
