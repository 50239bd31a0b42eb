import assert from 'node:assert/strict';
import type { RecordStore } from '../../broker/record-store.ts';
import { recordOfSteps } from '../../steps/step-record.ts';
import { step } from '../../steps/step.ts';
import { currentTask } from '../../task/current-task.ts';
import { RetryLater } from '../../task/retry-later.ts';
import type { TestBench } from './bench.ts';
import type { Group } from './group.ts';
import { recordsOf } from './kept-records.ts';
import { borrowed, worker } from './worker-bench.ts';

/** The records of a bench, which notes each call as `read` or `change`. */
function noted(bench: TestBench): { readonly records: RecordStore; readonly calls: string[] } {
  const store = recordsOf(bench);
  const calls: string[] = [];
  return {
    calls,
    records: {
      read: (key, fields) => {
        calls.push('read');
        return store.read(key, fields);
      },
      change: (changes) => {
        calls.push('change');
        return store.change(changes);
      },
    },
  };
}

/** The broker of the bench with these records: a worker uses them for its steps. */
function managerWith(bench: TestBench, records: RecordStore) {
  const broker = borrowed(bench);
  return {
    broker: {
      ...broker,
      publish: broker.publish.bind(broker),
      subscribe: broker.subscribe.bind(broker),
      close: async () => undefined,
      records,
    },
  };
}

async function isGone(bench: TestBench, records: RecordStore, id: string): Promise<void> {
  await bench.until(
    async () => (await records.read(recordOfSteps(id))).size === 0,
    2_000,
    () => 'the steps of a message that has ended were not removed',
  );
}

export const steps: Group = {
  name: 'steps of a task',
  cases(it) {
    it('does not run a finished step again after a retry, and removes all of them at the end', async (bench) => {
      const { records, calls } = noted(bench);
      const ran: string[] = [];
      const seen: unknown[] = [];
      const handler = async () => {
        const account = await step('account', () => {
          ran.push('account');
          return { id: 7, at: new Date(0), none: undefined };
        });
        seen.push(account);
        const nothing = await step('nothing', async () => void ran.push('nothing'));
        assert.equal(nothing, undefined);
        await step('fails', () => {
          ran.push(`fails ${currentTask().attempt}`);
          if (currentTask().attempt < 3) throw new Error('not yet');
        });
      };
      const { task, until } = await worker(bench, handler, { manager: managerWith(bench, records) });
      const { id } = await task.send();
      await until({ succeeded: 1 }, 100 + 3 * bench.broker.capabilities.delayResolutionMs);
      assert.deepEqual(ran, ['account', 'nothing', 'fails 1', 'fails 2', 'fails 3']);
      assert.deepEqual(seen, Array(3).fill({ id: 7, at: '1970-01-01T00:00:00.000Z' }));
      await isGone(bench, records, id);
      assert.deepEqual(calls.slice(0, 5), ['change', 'change', 'read', 'read', 'change'], 'one read a later attempt');
    }, 20_000);

    it('asks no store for a task without steps, and reads nothing in a first attempt', async (bench) => {
      const { records, calls } = noted(bench);
      const { task, until } = await worker(bench, async (isWithStep: boolean) => isWithStep && step('a', () => 1), {
        manager: managerWith(bench, records),
      });
      await task.send(false);
      await until({ succeeded: 1 });
      assert.deepEqual(calls, []);
      await task.send(true);
      await until({ succeeded: 2 });
      await bench.until(
        () => calls.length === 2,
        2_000,
        () => `calls: ${calls}`,
      );
      assert.deepEqual(calls, ['change', 'change']);
    });

    it('keeps steps over RetryLater, which counts no attempt', async (bench) => {
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      const { records } = noted(bench);
      let ran = 0;
      let runs = 0;
      const handler = async () => {
        await step('a', () => ++ran);
        if (++runs < 3) throw new RetryLater('10ms');
      };
      const { task, until } = await worker(bench, handler, { manager: managerWith(bench, records) });
      await task.send();
      await until({ succeeded: 1 }, 100 + 3 * bench.broker.capabilities.delayResolutionMs);
      assert.deepEqual([ran, runs], [1, 3]);
    }, 20_000);

    it('keeps steps of a run that a stopping worker hands back, and stops it before its next step', async (bench) => {
      const { records } = noted(bench);
      const ran: string[] = [];
      let runs = 0;
      const handler = async () => {
        const isFirst = ++runs === 1;
        await step('a', () => ran.push('a'));
        if (isFirst) await new Promise((resolve) => currentTask().signal.addEventListener('abort', resolve));
        await step('b', () => ran.push('b'));
      };
      const manager = managerWith(bench, records);
      const first = await worker(bench, handler, { manager });
      await first.task.send();
      await first.worker.start();
      await bench.until(
        () => ran.length === 1,
        3_000,
        () => 'the first step has not run',
      );
      const stopping = first.worker.stop({ timeout: '100ms' });
      await bench.pass(120);
      assert.deepEqual(await stopping, { interrupted: 1 });
      const second = await worker(bench, handler, { manager });
      await second.until({ succeeded: 1 }, bench.recoveryMs);
      assert.deepEqual([ran, runs], [['a', 'b'], 2]);
    }, 20_000);

    it('keeps steps of a worker that lost its message; two runs at once see one result', async (bench) => {
      const { records } = noted(bench);
      const results: unknown[] = [];
      const done: number[] = [];
      let runs = 0;
      const gate: { open: () => void } = { open: () => undefined };
      const opened = new Promise<void>((resolve) => {
        gate.open = resolve;
      });
      const handler = async () => {
        const run = ++runs;
        await step('first', () => done.push(run));
        results.push(
          await step('shared', async () => {
            if (run === 1) await opened;
            return run;
          }),
        );
        gate.open();
      };
      const manager = managerWith(bench, records);
      // The first worker receives one message, never renews its lease, and does not learn that it is lost.
      let hasReceived = false;
      const paused = {
        ...manager.broker,
        subscribe: async (queue: string, options: object) => {
          const subscription = await bench.broker.subscribe(queue, { ...options, leaseMs: bench.leaseMs });
          return {
            receive: async (limit: number, how: { readonly signal: AbortSignal; readonly wait: boolean }) => {
              if (!hasReceived) {
                const deliveries = await subscription.receive(limit, how);
                hasReceived = deliveries.length > 0;
                return deliveries;
              }
              if (how.wait) await new Promise((resolve) => how.signal.addEventListener('abort', resolve));
              return [];
            },
            settle: subscription.settle.bind(subscription),
            extend: async () => [],
            close: () => subscription.close(),
          };
        },
      };
      const first = await worker(bench, handler, { manager: { broker: paused } });
      await first.task.send();
      await first.worker.start();
      await bench.until(
        () => done.length === 1,
        3_000,
        () => 'the first run has not begun',
      );
      bench.needs(
        bench.broker.capabilities.timeoutLimit === undefined,
        'the server keeps a message while its consumer lives',
      );
      const second = await worker(bench, handler, { manager });
      await second.until({ succeeded: 1 }, bench.recoveryMs + bench.workerLeaseMs);
      await bench.until(
        () => results.length === 2,
        3_000,
        () => 'the first run has not ended',
      );
      assert.deepEqual(done, [1], 'the second run does not repeat a finished step');
      assert.deepEqual(results, [2, 2], 'the first result of a step wins');
    }, 30_000);

    it('keeps steps of a dead letter, so that a redrive goes on', async (bench) => {
      const inspector = bench.part('inspector');
      const { records } = noted(bench);
      const ran: string[] = [];
      let isMended = false;
      const handler = async () => {
        await step('a', () => ran.push('a'));
        await step('b', () => {
          if (!isMended) throw new Error('broken');
          ran.push('b');
        });
      };
      const task = { maxRetries: 0 };
      const subject = await worker(bench, handler, { task, manager: managerWith(bench, records) });
      const { id } = await subject.task.send();
      await subject.until({ dead: 1 });
      assert.equal((await records.read(recordOfSteps(id))).size, 1);
      isMended = true;
      assert.equal(await inspector.redrive(bench.queue, [id]), 1);
      await subject.until({ succeeded: 1 });
      assert.deepEqual(ran, ['a', 'b']);
      await isGone(bench, records, id);
    }, 20_000);
  },
};
