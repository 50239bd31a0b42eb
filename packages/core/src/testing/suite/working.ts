import assert from 'node:assert/strict';
import { HISTORY_HEADER, REASON_HEADER } from '../../broker/headers.ts';
import { LeaseLostError, PermanentError, ShutdownError, TaskTimeoutError } from '../../errors/errors.ts';
import { readHistory } from '../../message/attempt-history.ts';
import { currentTask } from '../../task/current-task.ts';
import { RetryLater } from '../../task/retry-later.ts';
import type { Broker } from '../../broker/broker.ts';
import { firstMessages } from '../../broker/page-messages.ts';
import { ack, type TestBench } from './bench.ts';
import type { Group } from './group.ts';
import { subscribingOtherwise } from './subscribing-otherwise.ts';
import { borrowed, worker } from './worker-bench.ts';

export const working: Group = {
  name: 'a worker on this broker',
  cases(it) {
    it('runs a task with the arguments that were sent', async (bench) => {
      const seen: unknown[][] = [];
      const { task, until } = await worker(bench, (...args: unknown[]) => void seen.push(args));
      await task.send('a', 1, { deep: [null, true] });
      await task.sendMany([['b'], ['c']]);
      await until({ succeeded: 3 });
      assert.deepEqual(seen.sort(), [['a', 1, { deep: [null, true] }], ['b'], ['c']]);
    });

    it('retries with growing waits, never early, then dead-letters with every attempt in the history', async (bench) => {
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      const inspector = bench.part('inspector');
      const startedAt: number[] = [];
      const { task, until } = await worker(bench, () => {
        startedAt.push(bench.clock.monotonic());
        throw new TypeError(`attempt ${currentTask().attempt}`);
      });
      await task.send();
      await until({ retrying: 2, dead: 1 }, 60 + 3 * bench.broker.capabilities.delayResolutionMs);
      const waits = startedAt.slice(1).map((at, index) => at - (startedAt[index] as number));
      assert((waits[0] as number) >= 19 && (waits[1] as number) >= 39, `waited ${waits.join(', ')}`);
      const [letter] = await firstMessages(inspector, bench.queue, 'dead', 1);
      assert.equal(letter?.headers[REASON_HEADER], 'TypeError: attempt 3');
      const history = readHistory(letter?.headers[HISTORY_HEADER]);
      assert.deepEqual(
        history.map(({ attempt, error }) => [attempt, error.message]),
        [
          [1, 'attempt 1'],
          [2, 'attempt 2'],
          [3, 'attempt 3'],
        ],
      );
      const ran = history.map(({ ranMs }) => ranMs);
      assert(
        ran.every((ms) => ms !== undefined && ms < 5_000),
        `run times ${ran.join(', ')}`,
      );
    }, 20_000);

    it('dead-letters a PermanentError at once', async (bench) => {
      const { task, until, events } = await worker(bench, () => {
        throw new PermanentError('no such user');
      });
      await task.send();
      await until({ dead: 1 });
      assert.deepEqual(events, ['dead']);
    });

    it('runs the same attempt again after RetryLater', async (bench) => {
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      const attempts: number[] = [];
      const { task, until } = await worker(bench, () => {
        attempts.push(currentTask().attempt);
        if (attempts.length < 4) throw new RetryLater('10ms');
      });
      await task.send();
      await until({ succeeded: 1 }, 30 + 4 * bench.broker.capabilities.delayResolutionMs);
      assert.deepEqual(attempts, [1, 1, 1, 1]);
    }, 20_000);

    it('aborts an attempt that exceeds its timeout, and stops waiting if the handler ignores the abort', async (bench) => {
      const reasons: unknown[] = [];
      const { task, until } = await worker(
        bench,
        (heeds: boolean) =>
          new Promise((_, reject) => {
            const { signal } = currentTask();
            signal.addEventListener('abort', () => {
              reasons.push(signal.reason);
              if (heeds) reject(signal.reason);
            });
          }),
        { task: { timeout: '50ms', maxRetries: 0 } },
      );
      await task.send(true);
      await task.send(false);
      await until({ dead: 2 }, 7_000);
      assert(reasons.every((reason) => reason instanceof TaskTimeoutError) && reasons.length === 2, String(reasons));
    }, 15_000);

    it('keeps the lease of a task that runs longer than the lease', async (bench) => {
      let starts = 0;
      const { task, until } = await worker(bench, async () => {
        starts++;
        await new Promise<void>((resolve) => bench.clock.setTimeout(resolve, bench.workerLeaseMs * 3));
      });
      await task.send();
      await until({ succeeded: 1 }, bench.workerLeaseMs * 4);
      assert.equal(starts, 1);
    }, 20_000);

    it('aborts a handler whose lease is lost, and settles nothing for it', async (bench) => {
      let reason: unknown;
      const { task, until, events } = await worker(
        bench,
        () =>
          new Promise<void>((resolve) => {
            const { signal } = currentTask();
            signal.addEventListener('abort', () => {
              reason = signal.reason;
              resolve();
            });
          }),
        // This worker assumes a longer lease than it has, and renews too late.
        { manager: { broker: shortLeases(bench) } },
      );
      await task.send();
      await until({ leaseLost: 1 }, bench.recoveryMs + bench.workerLeaseMs);
      assert(reason instanceof LeaseLostError, String(reason));
      assert(!events.includes('succeeded'));
    }, 20_000);

    it('keeps the result of the worker whose settlement was accepted', async (bench) => {
      let bytes: Uint8Array | undefined;
      const separate = {
        store: async (_: string, given: Uint8Array) => {
          bytes = given;
        },
        load: async () => bytes,
      };
      const resultStore = bench.broker.results ?? separate;
      let runs = 0;
      const late = { isStuck: false };
      const run = async () => {
        if (++runs > 1) return 'second run';
        late.isStuck = true;
        throw new Error('the first run fails');
      };
      const task = { result: '1h', maxRetries: 0 } as const;
      const paused = await worker(bench, run, { task, manager: { broker: stuck(bench, late), resultStore } });
      const handle = await paused.task.send();
      await paused.until({});
      const other = await worker(bench, run, { task, manager: { resultStore } });
      await bench.until(
        () => late.isStuck,
        2_000,
        () => 'the first run has not ended',
      );
      await other.until({ succeeded: 1 }, bench.recoveryMs + bench.workerLeaseMs);
      assert.equal(await handle.result({ timeout: '2s' }), 'second run');
      late.isStuck = false;
      await paused.until({ leaseLost: 1 });
      assert.equal(await handle.result({ timeout: 0 }), 'second run');
      assert.deepEqual(paused.events, ['leaseLost']);
    }, 20_000);

    it('drops expired messages, and counts them', async (bench) => {
      const { task, until } = await worker(bench, () => undefined);
      await task.with({ expiresIn: '10ms' }).send();
      await bench.pass(30);
      await until({ expired: 1 });
    });

    it('hands back runs that do not end in time at a stop; they run elsewhere, without an attempt or a crash', async (bench) => {
      const reasons: unknown[] = [];
      let isRunning = false;
      const first = await worker(bench, () => {
        isRunning = true;
        return new Promise<void>(() =>
          currentTask().signal.addEventListener('abort', (event) => reasons.push((event.target as AbortSignal).reason)),
        );
      });
      await first.task.send();
      await first.worker.start();
      await bench.until(
        () => isRunning,
        3_000,
        () => 'the handler has not started',
      );
      const stopping = first.worker.stop({ timeout: '100ms' });
      await bench.pass(120);
      assert.deepEqual(await stopping, { interrupted: 1 });
      assert(reasons[0] instanceof ShutdownError, String(reasons[0]));
      const subscription = await bench.subscribe();
      const delivery = await bench.takeOne(subscription);
      assert.equal(delivery.crashes, 0);
      assert.equal(delivery.envelope.headers['brokkr-attempt'], undefined);
      await bench.settle(subscription, ack(delivery));
    });

    it('polls a closed broker only now and then, and stops when asked', async (bench) => {
      const broker = await bench.openAnother();
      let asked = 0;
      const subject = await worker(bench, () => undefined, {
        manager: {
          broker: subscribingOtherwise(broker, (subscription) => ({
            receive: async (limit, how) => {
              // Polling without a wait would block all other code.
              if (++asked > 100) throw new Error('asked too often');
              return subscription.receive(limit, how);
            },
          })),
        },
      });
      await subject.worker.start();
      await broker.close();
      await bench.pass(500);
      assert(asked <= 100, 'the worker does nothing but poll');
      const stopping = subject.worker.stop();
      await bench.pass(10);
      assert.deepEqual(await stopping, { interrupted: 0 });
    });
  },
};

/** Decorates the broker: its leases last a fifth of the requested time. */
function shortLeases(bench: TestBench): Broker {
  const { broker } = bench;
  return {
    ...broker,
    publish: (envelopes) => broker.publish(envelopes),
    subscribe: (queue, options) => broker.subscribe(queue, { ...options, leaseMs: bench.leaseMs / 5 }),
    close: async () => undefined,
  };
}

/**
 * The broker as a paused process sees it: after its first messages it receives no more. While it is stuck, it does not
 * notice lost leases, and its settlements wait.
 */
function stuck(bench: TestBench, late: { readonly isStuck: boolean }): Broker {
  let hasReceived = false;
  return subscribingOtherwise(borrowed(bench), (subscription) => ({
    receive: async (limit, how) => {
      if (hasReceived) {
        if (how.wait) await aborted(how.signal);
        return [];
      }
      const deliveries = await subscription.receive(limit, how);
      hasReceived = deliveries.length > 0;
      return deliveries;
    },
    extend: async (deliveries) => (late.isStuck ? [] : subscription.extend(deliveries)),
    settle: async (settlements) => {
      while (late.isStuck) await new Promise<void>((resolve) => bench.clock.setTimeout(resolve, 20));
      return subscription.settle(settlements);
    },
  }));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
