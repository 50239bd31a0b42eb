import assert from 'node:assert/strict';
import { currentTask } from '../../task/current-task.ts';
import type { TestBench } from './bench.ts';
import type { Group } from './group.ts';
import { recordsOf } from './kept-records.ts';
import { stopAtTearDown, suiteManager, type WorkerBench, type WorkerBenchOptions, worker } from './worker-bench.ts';

/** A task and a worker on the broker; a broker that cannot join messages gets a store. */
export async function joining(
  bench: TestBench,
  handler: (...args: never[]) => unknown,
  options: WorkerBenchOptions = {},
): Promise<WorkerBench> {
  const store = bench.broker.records === undefined ? { store: { records: recordsOf(bench) } } : {};
  return worker(bench, handler, { ...options, manager: { ...store, ...options.manager } });
}

/** A handler that waits until it is let go. */
function gated() {
  const waiting: (() => void)[] = [];
  const ran: unknown[] = [];
  return {
    ran,
    handler: async (value: unknown) => {
      ran.push(value);
      await new Promise<void>((resolve) => waiting.push(resolve));
    },
    open: () => {
      for (const resolve of waiting.splice(0)) resolve();
    },
  };
}

export const joiningSends: Group = {
  name: 'unique, throttled and debounced sends',
  cases(it) {
    it('sends a unique message once until it has ended, and its handle says so', async (bench) => {
      const gate = gated();
      const { task, until } = await joining(bench, gate.handler);
      const unique = task.with({ unique: 'k' });
      const first = await unique.send(1);
      const second = await unique.send(2);
      assert.deepEqual([first.outcome, second.outcome, second.id], ['new', 'duplicate', first.id]);
      assert.deepEqual([first.isNew, second.isNew], [true, false]);
      assert.equal((await task.with({ unique: 'other' }).send(3)).outcome, 'new');
      await until({});
      await bench.until(
        () => gate.ran.length === 2,
        3_000,
        () => `ran ${gate.ran}`,
      );
      assert.equal((await unique.send(4)).outcome, 'duplicate', 'it runs');
      gate.open();
      await until({ succeeded: 2 });
      assert.equal((await unique.send(5)).outcome, 'new', 'it has ended');
      await bench.until(
        () => gate.ran.length === 3,
        3_000,
        () => `ran ${gate.ran}`,
      );
      gate.open();
      await until({ succeeded: 3 });
      assert.deepEqual([...gate.ran].sort(), [1, 3, 5]);
    }, 20_000);

    it('keeps keys of unique, throttled and debounced messages apart', async (bench) => {
      const { task } = await joining(bench, () => undefined);
      const outcomes: unknown[] = [];
      const sent = [
        task.with({ unique: 'k', delay: '1m' }),
        task.with({ throttle: { key: 'k', window: '1m' }, delay: '1m' }),
        task.with({ debounce: { key: 'k', wait: '1m' } }),
      ];
      bench.needs(bench.broker.capabilities.maxDelayMs >= 60_000, 'the broker cannot delay for a minute');
      for (const each of [...sent, ...sent]) outcomes.push((await each.send()).outcome);
      assert.deepEqual(outcomes, ['new', 'new', 'new', 'duplicate', 'duplicate', 'replaced']);
    }, 20_000);

    it('frees the key of a unique message that dies, also if it cannot run', async (bench) => {
      const fails = () => {
        throw new Error('no');
      };
      const { task, until } = await joining(bench, fails, { task: { maxRetries: 0 } });
      const unique = task.with({ unique: 'k' });
      for (const dead of [1, 2]) {
        assert.equal((await unique.send()).outcome, 'new');
        await until({ dead });
      }
      assert.equal((await unique.with({ expiresIn: '1ms', delay: 0 }).send()).outcome, 'new');
      await bench.pass(20);
      await bench.until(
        async () => (await unique.send()).outcome === 'new',
        5_000,
        () => 'the key stays behind the message',
      );
    }, 20_000);

    it('frees the keys of messages that are purged', async (bench) => {
      const inspector = bench.part('inspector');
      const { manager, task } = await joining(bench, () => undefined);
      const { maxDelayMs, delayResolutionMs } = bench.broker.capabilities;
      const senders = [task.with({ unique: 'k' }), task.with({ unique: { key: 'w', while: 'waiting' } })];
      if (maxDelayMs > 0) senders.push(task.with({ debounce: { key: 'k', wait: '20ms' } }));
      for (const sender of senders) await sender.send();
      const ready = async () => (await inspector.counts(bench.queue)).ready;
      await bench.until(
        async () => (await ready()) === senders.length,
        3_000 + delayResolutionMs,
        () => 'the messages are not ready',
      );
      assert.equal(await manager.queue(bench.queue).purge(), senders.length);
      const outcomes = await Promise.all(senders.map(async (sender) => (await sender.send()).outcome));
      assert.deepEqual(
        outcomes,
        senders.map(() => 'new'),
      );
    }, 20_000);

    it('lets one message wait while another of its key runs', async (bench) => {
      const gate = gated();
      const { task, until } = await joining(bench, gate.handler, { worker: { concurrency: 1 } });
      const unique = task.with({ unique: { key: 'k', while: 'waiting' } });
      const first = await unique.send(1);
      assert.equal((await unique.send(2)).id, first.id);
      await until({});
      await bench.until(
        () => gate.ran.length === 1,
        3_000,
        () => 'the first has not started',
      );
      const second = await unique.send(3);
      const third = await unique.send(4);
      assert.deepEqual([second.outcome, third.outcome, third.id], ['new', 'duplicate', second.id]);
      gate.open();
      await bench.until(
        () => gate.ran.length === 2,
        3_000,
        () => 'the second has not started',
      );
      gate.open();
      await until({ succeeded: 2 });
      assert.deepEqual(gate.ran, [1, 3]);
    }, 20_000);

    it('lets one message of a key wait while another gathers in a batch, and runs both', async (bench) => {
      const store = bench.broker.records === undefined ? { store: { records: recordsOf(bench) } } : {};
      const manager = suiteManager(bench, store);
      const ran: number[] = [];
      const batch = { size: 2, timeout: '10m' } as const;
      const task = manager.batchTask({ name: 'gathered', batch }, (items: number[]) => void ran.push(...items));
      const subject = manager.createWorker({ concurrency: 2 });
      stopAtTearDown(bench, manager, subject);
      const unique = task.with({ unique: { key: 'k', while: 'waiting' } });
      const first = await unique.send(1);
      const second = await unique.send(2);
      assert.deepEqual([second.outcome, second.id], ['duplicate', first.id], 'no worker has it');
      await subject.start();
      // Where a store joins them, it runs alone and at once.
      await bench.until(
        async () => (await unique.send(3)).outcome === 'new',
        3_000,
        () => 'the key is not free while its message gathers',
      );
      await bench.until(
        () => ran.length === 2,
        3_000,
        () => `ran ${ran}`,
      );
      assert.deepEqual(ran, [1, 3]);
    }, 20_000);

    it('sends the first message of a throttled key in each window', async (bench) => {
      const ran: unknown[] = [];
      const { task, until } = await joining(bench, (value: unknown) => void ran.push(value));
      const throttled = task.with({ throttle: { key: 'k', window: '1s' } });
      const startedAt = bench.clock.monotonic();
      const first = await throttled.send(1);
      await until({ succeeded: 1 });
      const repeat = await throttled.send(2);
      if (bench.clock.monotonic() - startedAt < 900) {
        assert.deepEqual([first.outcome, repeat.outcome, repeat.id], ['new', 'duplicate', first.id]);
      }
      await bench.until(
        async () => (await throttled.send(3)).outcome === 'new',
        5_000,
        () => 'the window does not end',
      );
      assert(bench.clock.monotonic() - startedAt >= 999, 'not before the end of the window');
    }, 20_000);

    it('names the queue of the first message of a throttled key in the handles of other queues', async (bench) => {
      const { task } = await joining(bench, () => undefined);
      const throttled = task.with({ throttle: { key: 'k', window: '1h' } });
      const first = await throttled.send();
      const again = await throttled.with({ queueName: `${bench.queue}-b` }).send();
      assert.deepEqual([again.id, again.outcome, again.queue], [first.id, 'duplicate', bench.queue]);
    });

    it('runs the newest arguments of a debounced key, once', async (bench) => {
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      const ran: unknown[] = [];
      const headers: unknown[] = [];
      const { task, until } = await joining(bench, (value: unknown) => {
        ran.push(value);
        headers.push(currentTask().headers.number);
      });
      const debounced = task.with({ debounce: { key: 'k', wait: '1s' } });
      const handles = [];
      for (let number = 1; number <= 5; number++)
        handles.push(await debounced.with({ headers: { number: String(number) } }).send(number));
      const outcomes = handles.map(({ outcome }) => outcome);
      assert.deepEqual(outcomes, ['new', 'replaced', 'replaced', 'replaced', 'replaced']);
      assert.equal(new Set(handles.map(({ id }) => id)).size, 1);
      await until({ succeeded: 1 }, 2_000 + 4 * bench.broker.capabilities.delayResolutionMs);
      assert.deepEqual([ran, headers], [[5], ['5']]);
      assert.equal((await debounced.send(6)).outcome, 'new');
      await until({ succeeded: 2 }, 2_000 + 4 * bench.broker.capabilities.delayResolutionMs);
      assert.deepEqual(ran, [5, 6]);
    }, 30_000);

    it('never drops a send that comes while a debounced message runs', async (bench) => {
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      const gate = gated();
      const { task, until } = await joining(bench, gate.handler);
      const debounced = task.with({ debounce: { key: 'k', wait: '100ms' } });
      await debounced.send(1);
      await until({});
      const boundMs = 2_000 + 4 * bench.broker.capabilities.delayResolutionMs;
      await bench.until(
        () => gate.ran.length === 1,
        boundMs,
        () => 'the first has not started',
      );
      assert.equal((await debounced.send(2)).outcome, 'new');
      await bench.until(
        () => gate.ran.length === 2,
        boundMs,
        () => 'the second has not started',
      );
      gate.open();
      await until({ succeeded: 2 });
      assert.deepEqual(gate.ran, [1, 2]);
    }, 30_000);

    it('keeps the newest arguments of a debounced message over a retry', async (bench) => {
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      const ran: unknown[] = [];
      const { task, until } = await joining(bench, (value: unknown) => {
        ran.push(`${value} ${currentTask().attempt}`);
        if (currentTask().attempt === 1) throw new Error('again');
      });
      const debounced = task.with({ debounce: { key: 'k', wait: '200ms' } });
      await debounced.send(1);
      await debounced.send(2);
      await until({ succeeded: 1 }, 2_000 + 6 * bench.broker.capabilities.delayResolutionMs);
      assert.deepEqual(ran, ['2 1', '2 2']);
    }, 30_000);
  },
};
