import assert from 'node:assert/strict';
import { laneName, type Priority } from '../../broker/lane-names.ts';
import type { WorkerOptions } from '../../worker/worker.ts';
import type { TestBench } from './bench.ts';
import type { Group } from './group.ts';
import { quickRetries, stopAtTearDown, suiteManager } from './worker-bench.ts';

/** A task with priorities on the broker under test, and a worker that runs it. */
function prioritized(
  bench: TestBench,
  options: WorkerOptions = {},
  handler: (priority: Priority, n: number) => void | Promise<void> = () => undefined,
) {
  const manager = suiteManager(bench);
  const retries = quickRetries(bench, 1);
  const ran: Priority[] = [];
  const task = manager.task({ name: 'ranked', priorities: true, ...retries }, (priority: Priority, n: number) => {
    ran.push(priority);
    return handler(priority, n);
  });
  const worker = manager.createWorker({ concurrency: 2, ...options });
  const events: string[] = [];
  for (const event of ['succeeded', 'dead'] as const) worker.on(event, () => events.push(event));
  stopAtTearDown(bench, manager, worker);
  const send = (priority: Priority, count: number) =>
    task.with({ priority }).sendMany(Array.from({ length: count }, (_, n) => [priority, n] as [Priority, number]));
  const until = (done: () => boolean, boundMs = 5_000) =>
    bench.until(done, boundMs, () => `ran ${ran.length}; events: ${events.length}`);
  return { manager, task, worker, ran, events, send, until };
}

export const lanes: Group = {
  name: 'lanes of a queue',
  cases(it) {
    it('share a worker in the ratio 8 to 4 to 1 while all have messages', async (bench) => {
      const { worker, ran, events, send, until } = prioritized(bench, { concurrency: 13 });
      for (const priority of ['low', 'normal', 'high'] as const) await send(priority, 400);
      await worker.start();
      await until(() => events.length === 1_200, 30_000);
      const first = ran.slice(0, 390);
      const share = (priority: Priority) => first.filter((each) => each === priority).length / first.length;
      assert(Math.abs(share('high') - 8 / 13) <= 0.05, `high ${share('high')}`);
      assert(Math.abs(share('normal') - 4 / 13) <= 0.05, `normal ${share('normal')}`);
    }, 60_000);

    it('are emptied one after the other by a strict worker', async (bench) => {
      const { worker, ran, events, send, until } = prioritized(bench, { strict: true, concurrency: 5 });
      for (const priority of ['low', 'normal', 'high'] as const) await send(priority, 200);
      await worker.start();
      await until(() => events.length === 600, 30_000);
      const early = (priority: Priority, from: number) =>
        ran.slice(from, from + 200).filter((each) => each === priority).length;
      // At most 3 % in another place.
      assert(early('high', 0) >= 194, `high first: ${early('high', 0)}`);
      assert(early('normal', 200) >= 194, `normal second: ${early('normal', 200)}`);
    }, 60_000);

    it('keep retries, dead letters and redriven letters', async (bench) => {
      const inspector = bench.part('inspector');
      let fails = true;
      const { worker, manager, events, send, until } = prioritized(bench, {}, () => {
        if (fails) throw new Error('refused');
      });
      await send('high', 2);
      await send('low', 1);
      await worker.start();
      await until(() => events.length === 3, 5_000 + 2 * bench.broker.capabilities.delayResolutionMs);
      const dead = async (priority: Priority) => (await inspector.counts(laneName(bench.queue, priority))).dead;
      const seen: (number | undefined)[] = [];
      await bench.until(
        async () => {
          seen.splice(0, 3, await dead('high'), await dead('normal'), await dead('low'));
          return seen.join() === '2,0,1';
        },
        3_000,
        () => `dead letters of high, normal, low: ${seen.join()}`,
      );
      const counts = await manager.queue(bench.queue).counts();
      assert.deepEqual([counts.dead, counts.lanes?.high?.dead, counts.lanes?.low?.dead], [3, 2, 1]);
      fails = false;
      assert.equal(await inspector.redrive(laneName(bench.queue, 'high'), 'all'), 2);
      await until(() => events.filter((event) => event === 'succeeded').length === 2);
      assert.equal(await dead('high'), 0);
    }, 40_000);

    it('are paused together, and purged together', async (bench) => {
      bench.part('inspector');
      bench.part('states');
      const { worker, manager, ran, send } = prioritized(bench);
      const queue = manager.queue(bench.queue);
      await queue.pause();
      await worker.start();
      for (const priority of ['low', 'normal', 'high'] as const) await send(priority, 2);
      await bench.pass(300);
      assert.deepEqual(ran, []);
      let purged = 0;
      await bench.until(
        async () => {
          purged += await queue.purge();
          return purged === 6;
        },
        3_000,
        () => `purged ${purged}`,
      );
    }, 20_000);
  },
};
