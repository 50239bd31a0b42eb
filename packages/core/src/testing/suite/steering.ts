import assert from 'node:assert/strict';
import { TaskCancelledError } from '../../errors/errors.ts';
import { currentTask } from '../../task/current-task.ts';
import type { Group } from './group.ts';
import { answerOf, otherProcess } from './other-process.ts';
import { worker } from './worker-bench.ts';

/** How soon a worker obeys another process. */
const OBEYS_MS = 2_000;
const CANCELS_MS = 1_000;

/** A handler that runs until its signal aborts, and the signals' reasons. */
function untilAborted() {
  const started: string[] = [];
  const reasons: unknown[] = [];
  const handler = () =>
    new Promise<void>((_, reject) => {
      const { id, signal } = currentTask();
      started.push(id);
      signal.addEventListener('abort', () => {
        reasons.push(signal.reason);
        reject(signal.reason);
      });
    });
  return { started, reasons, handler };
}

export const steering: Group = {
  name: 'another process steers a worker on this broker',
  cases(it) {
    it('pauses a queue: nothing starts two seconds later, and everything runs once it is resumed', async (bench) => {
      bench.part('states');
      bench.part('signals');
      const starts: number[] = [];
      const { worker: subject, events } = await worker(bench, () => starts.push(bench.clock.monotonic()));
      await subject.start();
      const { tm, task } = await otherProcess(bench);
      await tm.queue(bench.queue).pause();
      await bench.pass(OBEYS_MS);
      await task.sendMany(Array.from({ length: 20 }, () => []));
      await bench.pass(500);
      assert.equal(starts.length, 0, 'the queue is paused, and messages started');
      assert.equal(await tm.queue(bench.queue).isPaused(), true);
      await tm.queue(bench.queue).resume();
      await bench.until(
        () => events.filter((event) => event === 'succeeded').length === 20,
        OBEYS_MS + 2_000,
        () => `${starts.length} of 20 messages ran after the pause`,
      );
    }, 20_000);

    it('pauses a queue under load: running tasks go on, the other messages wait, and none is lost', async (bench) => {
      bench.part('states');
      bench.part('signals');
      const starts: number[] = [];
      const {
        worker: subject,
        events,
        task: own,
      } = await worker(bench, async () => {
        starts.push(bench.clock.monotonic());
        await new Promise<void>((resolve) => void bench.clock.setTimeout(resolve, 20));
      });
      await own.sendMany(Array.from({ length: 1_000 }, () => []));
      await subject.start();
      const { tm } = await otherProcess(bench);
      await bench.until(
        () => starts.length > 5,
        2_000,
        () => 'no message started',
      );
      await tm.queue(bench.queue).pause();
      await bench.pass(OBEYS_MS);
      const started = starts.length;
      await bench.pass(500);
      assert.equal(starts.length, started, 'messages started two seconds after the pause');
      assert(started < 1_000, 'nothing was left to pause');
      assert.equal(events.filter((event) => event === 'succeeded').length, started, 'a running task did not end');
      await tm.queue(bench.queue).resume();
      await bench.until(
        () => events.filter((event) => event === 'succeeded').length === 1_000,
        20_000,
        () => `${events.length} of 1000 ended`,
      );
      assert.equal(starts.length, 1_000);
    }, 40_000);

    it('pauses a queue for workers that start later', async (bench) => {
      bench.part('states');
      const { tm, task } = await otherProcess(bench);
      await tm.queue(bench.queue).pause();
      await task.send();
      const starts: number[] = [];
      const { worker: subject } = await worker(bench, () => starts.push(1));
      await subject.start();
      await bench.pass(OBEYS_MS);
      assert.equal(starts.length, 0);
      await tm.queue(bench.queue).resume();
      // Without signals the worker sees the end of the pause within a minute.
      if (bench.broker.signals === undefined) return;
      await bench.until(
        () => starts.length === 1,
        OBEYS_MS + 1_000,
        () => 'the message did not run after the pause',
      );
    }, 20_000);

    it('cancels a running task within a second: no attempt, no retry, no crash', async (bench) => {
      bench.part('signals');
      const { started, reasons, handler } = untilAborted();
      const { worker: subject, events } = await worker(bench, handler);
      await subject.start();
      const { task } = await otherProcess(bench);
      const { id } = await task.send();
      await bench.until(
        () => started.length === 1,
        2_000,
        () => 'the task did not start',
      );
      const cancelling = task.handle(id).cancel({ running: true });
      assert.equal(await answerOf(bench, cancelling, CANCELS_MS, 'cancel'), true);
      await bench.until(
        () => events.includes('cancelled'),
        CANCELS_MS,
        () => `events: ${events.join(', ')}`,
      );
      await bench.pass(200);
      assert.deepEqual(events, ['cancelled']);
      assert.equal(started.length, 1, 'a cancelled task ran again');
      assert(reasons.length === 1 && reasons[0] instanceof TaskCancelledError, String(reasons));
    }, 20_000);

    it('cancels the one of several running tasks that it names', async (bench) => {
      bench.part('signals');
      const { started, handler } = untilAborted();
      const { worker: subject, events } = await worker(bench, handler);
      await subject.start();
      const { task } = await otherProcess(bench);
      const handles = await task.sendMany([[], [], []]);
      await bench.until(
        () => started.length === 3,
        2_000,
        () => `${started.length} of 3 tasks started`,
      );
      const named = task.handle(handles[1]?.id ?? '');
      assert.equal(await answerOf(bench, named.cancel({ running: true }), CANCELS_MS, 'cancel'), true);
      await bench.until(
        () => events.length > 0,
        CANCELS_MS,
        () => 'no event',
      );
      await bench.pass(200);
      assert.deepEqual(events, ['cancelled']);
    }, 20_000);

    it('does not cancel a message that is unknown or has ended: the answer is false', async (bench) => {
      bench.part('signals');
      const { task: own, until } = await worker(bench, () => undefined);
      const ended = await own.send();
      await until({ succeeded: 1 });
      const { task } = await otherProcess(bench);
      for (const id of [ended.id, 'never-sent'])
        assert.equal(
          await answerOf(bench, task.handle(id).cancel({ running: true }), 4_000, 'cancel'),
          false,
          `message ${id} was cancelled`,
        );
    }, 20_000);

    it('removes a message that has not started, and it never runs', async (bench) => {
      bench.part('messages');
      const { task } = await otherProcess(bench);
      const handle = await task.send();
      assert.equal(await task.handle(handle.id).cancel(), true);
      const starts: number[] = [];
      const { worker: subject } = await worker(bench, () => starts.push(1));
      await subject.start();
      await bench.pass(200);
      assert.equal(starts.length, 0);
    });

    it('follows the progress of a running task, latest value first, to its end', async (bench) => {
      bench.part('signals');
      bench.part('results');
      let finish: () => void = () => undefined;
      const { worker: subject } = await worker(bench, async () => {
        currentTask().progress(1);
        await new Promise<void>((resolve) => (finish = resolve));
        currentTask().progress(2);
      });
      await subject.start();
      const { task } = await otherProcess(bench);
      const { id } = await task.send();
      const seen: unknown[] = [];
      const following = (async () => {
        for await (const value of task.handle(id).progress()) {
          seen.push(value);
          if (value === 1) finish();
        }
      })();
      await answerOf(bench, following, 4_000, 'progress');
      assert.deepEqual(seen, [1, 2]);
    }, 20_000);

    it('reads the status of a message by its id, from the queue to its end', async (bench) => {
      bench.part('messages');
      let finish: () => void = () => undefined;
      const { task: own, worker: subject } = await worker(
        bench,
        () => new Promise<void>((resolve) => (finish = resolve)),
        bench.broker.results === undefined ? {} : { task: { result: '1h' } },
      );
      const { id } = await own.send();
      assert.deepEqual(await own.handle(id).status(), { state: 'ready', attempt: 1 });
      await subject.start();
      await bench.until(
        async () => (await own.handle(id).status()).state === 'running',
        2_000,
        () => 'the message is not running',
      );
      finish();
      const end = bench.broker.results === undefined ? 'unknown' : 'succeeded';
      await bench.until(
        async () => (await own.handle(id).status()).state === end,
        2_000,
        () => `the status is not ${end}`,
      );
    }, 20_000);

    it('makes a worker quiet by its id: it starts nothing more, and goes on once it is resumed', async (bench) => {
      bench.part('workers');
      bench.part('signals');
      const starts: number[] = [];
      const { worker: subject } = await worker(bench, () => starts.push(bench.clock.monotonic()));
      await subject.start();
      const { tm, task } = await otherProcess(bench);
      await bench.until(
        async () => (await tm.workers()).some(({ id }) => id === subject.id),
        7_000,
        () => 'no report of the worker',
      );
      assert.equal(await answerOf(bench, tm.worker(subject.id).quiet(), 10_000, 'quiet'), true);
      await task.sendMany([[], [], []]);
      await bench.pass(500);
      assert.equal(starts.length, 0, 'the worker is quiet, and started a message');
      assert.equal(await answerOf(bench, tm.worker(subject.id).resume(), 10_000, 'resume'), true);
      await bench.until(
        () => starts.length === 3,
        OBEYS_MS + 2_000,
        () => `${starts.length} of 3 messages ran after the worker was resumed`,
      );
    }, 40_000);

    it('sees the worker in the reports of living workers, until it stops', async (bench) => {
      bench.part('workers');
      const { worker: subject, manager } = await worker(bench, () => undefined);
      await subject.start();
      const { tm } = await otherProcess(bench);
      await bench.until(
        async () => (await tm.workers()).some(({ id }) => id === subject.id),
        7_000,
        () => 'no report of the worker',
      );
      const report = (await tm.workers()).find(({ id }) => id === subject.id);
      assert.deepEqual(report?.queues, { [bench.queue]: 1 });
      await answerOf(bench, manager.close(), 10_000, 'close');
      await bench.until(
        async () => !(await tm.workers()).some(({ id }) => id === subject.id),
        2_000,
        () => 'the report of a worker that stopped is still there',
      );
    }, 30_000);
  },
};
