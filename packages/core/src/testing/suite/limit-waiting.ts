import assert from 'node:assert/strict';
import { LIMITED_BY_HEADER } from '../../broker/headers.ts';
import { firstMessages } from '../../broker/page-messages.ts';
import type { Limit } from '../../limits/limit.ts';
import { RateLimitError } from '../../task/rate-limit-error.ts';
import type { Group } from './group.ts';
import { limited, work } from './limiting.ts';
import { stopAtTearDown, suiteManager } from './worker-bench.ts';

export const limitWaiting: Group = {
  name: 'a worker and messages that wait for limits',
  cases(it) {
    it('lets a limit go on for other queues while one of its queues is paused', async (bench) => {
      bench.needs(bench.broker.messages !== undefined, 'delayed messages cannot be made ready');
      let limit: Limit;
      const ran: string[] = [];
      const run = async (name: string) => {
        ran.push(name);
        await work(bench);
      };
      const paused = `${bench.queue}-paused`;
      const { manager, task, until } = await limited(bench, run, {
        task: { limits: () => [limit] },
        worker: { queues: [bench.queue, paused], concurrency: 10 },
      });
      limit = manager.limit({ name: 'shared', concurrency: 1 });
      const other = task.with({ queueName: paused });
      await other.sendMany(Array.from({ length: 8 }, () => ['other']));
      await until({ succeeded: 1 }, 10_000);
      await manager.queue(paused).pause();
      await task.sendMany(Array.from({ length: 8 }, () => ['own']));
      // One message of the paused queue may have been next in line, and keeps its place for 5 s. More of them must not.
      await bench.until(
        () => ran.filter((name) => name === 'own').length === 8,
        12_000,
        () => `ran: ${ran}`,
      );
      await manager.queue(paused).resume();
      await until({ succeeded: 16 }, 10_000);
    }, 40_000);

    it('wakes messages whose worker has ended, from a worker that never refused one', async (bench) => {
      bench.needs(bench.broker.messages !== undefined, 'delayed messages cannot be made ready');
      bench.needs(bench.isShared, 'no worker of another process can end');
      const options = { name: 'slow', rate: 1, per: '6s' } as const;
      let limit: Limit;
      const { manager, task, worker, until } = await limited(bench, () => undefined, {
        task: { limits: () => [limit] },
      });
      limit = manager.limit(options);
      const other = suiteManager(bench, { broker: await bench.openAnother() });
      other.limit(options);
      const standIn = other.createWorker({ queues: [`${bench.queue}-other`] });
      stopAtTearDown(bench, other, standIn);
      await standIn.start();
      await task.sendMany([[], []]);
      await until({ succeeded: 1 });
      const inspector = bench.part('inspector');
      await bench.until(
        async () => (await inspector.counts(bench.queue)).delayed === 1,
        3_000,
        () => 'the second message does not wait',
      );
      await worker.stop();
      // By itself it would come back after 19 s.
      await bench.until(
        async () => (await inspector.counts(bench.queue)).ready === 1,
        15_000,
        () => 'the second message was not woken',
      );
    }, 40_000);

    it('starts waiting messages as soon as a limit gets more slots', async (bench) => {
      bench.needs(bench.broker.messages !== undefined, 'delayed messages cannot be made ready');
      bench.needs(bench.broker.states !== undefined, 'limits cannot be set at run time');
      let limit: Limit;
      let running = 0;
      const ends: (() => void)[] = [];
      const run = (kind: string) => {
        // By the time of this run, the others would come back after more than 4 s.
        if (kind === 'first') return new Promise<void>((resolve) => bench.clock.setTimeout(resolve, 1_500));
        running++;
        return new Promise<void>((resolve) => ends.push(resolve));
      };
      const { manager, task, until } = await limited(bench, run, {
        task: { limits: () => [limit] },
        worker: { concurrency: 10 },
      });
      limit = manager.limit({ name: 'few', concurrency: 1 });
      await task.send('first');
      await until({ succeeded: 1 });
      await task.sendMany(Array.from({ length: 6 }, () => ['waits']));
      await bench.until(
        async () => running === 1 && (await bench.part('inspector').counts(bench.queue)).delayed === 5,
        5_000,
        () => `${running} run`,
      );
      await manager.limits().set('few', { concurrency: 4 });
      await bench.until(
        () => running === 4,
        4_000,
        () => `${running} run`,
      );
      await manager.limits().set('few', { concurrency: 10 });
      await bench.until(
        () => running === 6,
        4_000,
        () => `${running} run`,
      );
      for (const end of ends) end();
      await until({ succeeded: 7 });
    }, 20_000);

    it('stops the clock of the key of a message whose RateLimitError names the limit alone', async (bench) => {
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      let limit: Limit;
      const ran: string[] = [];
      const run = (key: string) => {
        ran.push(key);
        if (ran.length === 1) throw new RateLimitError(limit, '1h');
      };
      const { manager, task, until } = await limited(bench, run, {
        task: { limits: (key) => [limit.for(key as string)] },
      });
      limit = manager.limit({ name: 'keyed', concurrency: 5 });
      await task.send('a');
      await until({ retrying: 1 });
      const limits = await bench.limits();
      await bench.until(
        async () => (await limits.usage()).some(({ key, pausedMs }) => key === 'a' && pausedMs > 3_000_000),
        3_000,
        () => 'the clock of the key runs',
      );
      await task.sendMany([['a'], ['b'], ['b']]);
      await until({ succeeded: 2 }, 5_000);
      assert.deepEqual(ran, ['a', 'b', 'b']);
    }, 15_000);

    it('names no limit in the header of a message that waits for a retry or is dead', async (bench) => {
      const inspector = bench.part('inspector');
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      let limit: Limit;
      const run = async (kind: string) => {
        await work(bench);
        if (kind === 'late') throw new RateLimitError(limit.for('late'), '1h');
        throw new Error(kind);
      };
      const { manager, task, until } = await limited(bench, run, {
        task: {
          limits: () => [limit],
          maxRetries: 1,
          retryDelay: '1h',
          giveUpOn: [(error) => (error as Error).message === 'dead'],
        },
      });
      limit = manager.limit({ name: 'one', concurrency: 1 });
      await task.sendMany([['retry'], ['retry'], ['dead'], ['dead'], ['late']]);
      await until({ retrying: 3, dead: 2 }, 15_000 + 5 * bench.broker.capabilities.delayResolutionMs);
      const letters = await firstMessages(inspector, bench.queue, 'dead', 5);
      for (const { headers } of letters) assert.equal(headers[LIMITED_BY_HEADER], undefined);
      await bench.until(
        async () => (await inspector.counts(bench.queue)).delayed === 3,
        3_000,
        () => 'the messages are not delayed',
      );
      const delayed = await firstMessages(inspector, bench.queue, 'delayed', 5);
      const named = delayed.map(({ headers }) => headers[LIMITED_BY_HEADER]).sort();
      if (delayed.length > 0) assert.deepEqual(named, ['one', undefined, undefined]);
    }, 40_000);
  },
};
