import assert from 'node:assert/strict';
import type { WorkerReport } from '../../broker/worker-report.ts';
import { ack, ids, NotApplicable } from './bench.ts';
import type { Group } from './group.ts';

const TTL_MS = 20_000;

function reportOf(id: string, given: Partial<WorkerReport> = {}): WorkerReport {
  return {
    id,
    host: 'a-host',
    pid: 4_711,
    version: '0.1.0',
    startedAt: 1_700_000_000_000,
    state: 'running',
    queues: { emails: 3, __proto__: 1 },
    paused: [],
    concurrency: 8,
    running: [{ id: 'm-1', task: 'mail', queue: 'emails', attempt: 2, startedAt: 1_700_000_000_500 }],
    runningCount: 1,
    totals: [],
    rssBytes: 80_000_000,
    loopDelayMs: 12.5,
    ...given,
  };
}

export const workers: Group = {
  name: 'part workers',
  cases(it) {
    it('shows the last report of each worker to other processes, with its age', async (bench) => {
      const workers = bench.part('workers');
      const viewer = bench.part('workers', bench.isShared ? await bench.openAnother() : bench.broker);
      const answering = new Map<string, WorkerReport>();
      const send = async () => {
        for (const report of answering.values()) {
          const { nextMs } = await workers.report(report, TTL_MS);
          assert(nextMs >= 1_000, `the next report is wanted after ${nextMs} ms`);
        }
      };
      answering.set('w-1', reportOf('w-1', { runningCount: 7 }));
      const suspect = { id: 'm-1', task: 'mail', queue: 'emails', crashes: 2, runs: true, since: 1_700_000_000_400 };
      answering.set('w-2', reportOf('w-2', { state: 'quiet', paused: ['emails'], suspect }));
      await workers.report(reportOf('w-1'), TTL_MS);
      await bench.until(
        async () => {
          const [seen] = await Promise.all([viewer.reports(), send()]);
          return seen.length === 2;
        },
        4_000,
        () => 'two workers were not seen',
      );
      const [seen] = await Promise.all([viewer.reports(), send()]);
      const byId = new Map(seen.map((one) => [one.report.id, one]));
      assert.deepEqual(byId.get('w-1')?.report, answering.get('w-1'));
      assert.deepEqual(byId.get('w-2')?.report, answering.get('w-2'));
      for (const { ageMs } of seen) assert(ageMs >= 0 && ageMs < 10_000, `age of ${ageMs} ms`);
    }, 20_000);

    it('forgets a worker that retired', async (bench) => {
      const workers = bench.part('workers');
      await workers.report(reportOf('w-1'), TTL_MS);
      await workers.report(reportOf('w-2'), TTL_MS);
      await workers.retire('w-1');
      await workers.retire('unknown');
      assert(!(await workers.reports()).some(({ report }) => report.id === 'w-1'));
    }, 10_000);

    it('forgets a worker of a process that died at once if another process retires it', async (bench) => {
      bench.needs(bench.isShared, 'the broker lives in one process');
      const dying = await bench.openAnother();
      const workers = bench.part('workers');
      const theirs = bench.part('workers', dying);
      const hasIt = async () => (await workers.reports()).some(({ report }) => report.id === 'w-1');
      await bench.until(
        async () => (await Promise.all([hasIt(), theirs.report(reportOf('w-1'), TTL_MS)]))[0],
        4_000,
        () => 'the worker was not seen',
      );
      await dying.close();
      await workers.retire('w-1');
      assert(!(await hasIt()), 'the worker is still listed');
    }, 20_000);

    it('forgets a worker that reports no more', async (bench) => {
      const workers = bench.part('workers');
      await workers.report(reportOf('w-1'), 300);
      await bench.pass(400);
      assert.deepEqual(await workers.reports(), []);
    }, 10_000);

    it('keeps reports that are large or full of odd names', async (bench) => {
      const workers = bench.part('workers');
      const histogram = { sumMs: 1.5, counts: Array.from({ length: 15 }, (_, index) => index) };
      const totals = Array.from({ length: 200 }, (_, index) => ({
        queue: 'emails',
        task: index === 0 ? '__proto__' : `task-${index}`,
        succeeded: index,
        retried: 0,
        dead: 0,
        expired: 0,
        cancelled: 0,
        leaseLost: 0,
        ran: histogram,
        waited: histogram,
      }));
      const report = reportOf('w-ü "1"\u202e', { totals, host: 'x'.repeat(200) });
      let seen = await workers.reports();
      await bench.until(
        async () => {
          [seen] = await Promise.all([workers.reports(), workers.report(report, TTL_MS)]);
          return seen.length === 1;
        },
        4_000,
        () => 'the report was not seen',
      );
      assert.deepEqual(seen[0]?.report, report);
    }, 15_000);

    it('releases at once the messages that a dead worker held, as crashes', async (bench) => {
      const workers = bench.part('workers');
      if (workers.release === undefined) throw new NotApplicable('the part `workers` cannot release messages');
      const published = await bench.publish(3);
      const dead = await bench.subscribe(bench.queue, { workerId: 'dead' });
      const alive = await bench.subscribe(bench.queue, { workerId: 'alive' });
      await bench.take(dead, 2);
      const kept = await bench.takeOne(alive);
      assert.equal(await workers.release('dead'), 2);
      const back = await bench.take(alive, 2);
      assert.deepEqual(ids([...back, kept]).sort(), published.sort());
      assert.deepEqual(
        back.map(({ crashes }) => crashes),
        [1, 1],
      );
      await bench.settle(alive, ...back.map(ack), ack(kept));
    });
  },
};
