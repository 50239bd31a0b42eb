import { currentTask } from '@brokkr/core';
import { ManualClock } from '@brokkr/core/testing';
import { describe, expect, it } from 'vitest';
import {
  subscribingOtherwise,
  watchingSuspects,
} from '../../../packages/core/src/testing/suite/subscribing-otherwise.ts';
import { aSecondOfWork, crash, LEASE_MS, workerBench } from './worker-bench.ts';

describe('a suspect among other messages', () => {
  it('is released with all messages of its fetch, in their order', async () => {
    const inHand = new Set<string>();
    const { tm, clock, broker } = await workerBench((memory) => watchingSuspects(memory, inHand));
    const started: string[] = [];
    const charged: string[] = [];
    const task = tm.task({ name: 'any' }, async (name: string) => {
      started.push(name);
      // If the handler killed the process now, these messages would be charged for it.
      for (const id of inHand) if (id !== currentTask().id) charged.push(`${id} for ${name}`);
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 10));
    });
    await task.sendMany([['suspect 1'], ['suspect 2']]);
    await crash(broker, clock, 2, 2);
    await task.sendMany([['a'], ['b'], ['c'], ['d']]);
    await tm.createWorker({ concurrency: 4 }).start();
    await aSecondOfWork(clock);
    expect(charged).toEqual([]);
    expect(started).toEqual(['suspect 1', 'suspect 2', 'a', 'b', 'c', 'd']);
    expect(await broker.inspector.counts('default')).toMatchObject({ acknowledged: 6, dead: 0 });
    await tm.close();
  });

  it('runs immediately if it arrives alone and the worker holds nothing', async () => {
    const { tm, clock, broker } = await workerBench();
    const ranAt: number[] = [];
    const task = tm.task({ name: 'alone' }, async () => void ranAt.push(clock.now()));
    await task.send();
    await crash(broker, clock, 2);
    const startedAt = clock.now();
    await tm.createWorker({ concurrency: 4 }).start();
    await aSecondOfWork(clock);
    expect(ranAt).toEqual([startedAt]);
    await tm.close();
  });

  it('waits for a handler that has lost its lease, whose crash must not count for the suspect', async () => {
    const { tm, clock } = await workerBench((memory) =>
      subscribingOtherwise(memory, (subscription) => ({
        // Every renewal reports all leases as lost, and messages of the task `suspect` have two crashes.
        extend: async (deliveries) => deliveries,
        receive: async (...given) =>
          (await subscription.receive(...given)).map(({ envelope, fence }) => ({
            envelope,
            fence,
            crashes: envelope.headers['brokkr-task'] === 'suspect' ? 2 : 0,
          })),
      })),
    );
    const told: string[] = [];
    const slow = tm.task({ name: 'slow' }, async () => {
      told.push('slow begins');
      await new Promise<void>((resolve) => clock.setTimeout(resolve, LEASE_MS / 3 + 3_000));
      told.push('slow ends');
    });
    const suspect = tm.task({ name: 'suspect' }, async () => void told.push('suspect'));
    await slow.send();
    const worker = tm.createWorker({ concurrency: 4 });
    worker.on('leaseLost', () => void told.push('slow is lost'));
    await worker.start();
    await clock.advance(LEASE_MS / 3 + 1_000);
    await suspect.send();
    await aSecondOfWork(clock);
    await clock.advance(3_000);
    expect(told).toEqual(['slow begins', 'slow is lost', 'slow ends', 'suspect']);
    await tm.close();
  });

  it('does not block the worker once it is a dead letter', async () => {
    const { tm, clock, broker } = await workerBench();
    const ran: string[] = [];
    const task = tm.task({ name: 'next' }, async (name: string) => void ran.push(name));
    await task.send('poison');
    await crash(broker, clock, 3);
    await task.sendMany([['a'], ['b']]);
    await tm.createWorker({ concurrency: 4 }).start();
    await aSecondOfWork(clock);
    expect(ran).toEqual(['a', 'b']);
    expect(await broker.inspector.counts('default')).toMatchObject({ acknowledged: 2, dead: 1 });
    await tm.close();
  });
});

/** A clock whose thread can be blocked: time passes, and no timer fires. */
class BlockableClock extends ManualClock {
  #blockedMs = 0;

  block(ms: number): void {
    this.#blockedMs += ms;
  }

  override now(): number {
    return super.now() + this.#blockedMs;
  }

  override monotonic(): number {
    return super.monotonic() + this.#blockedMs;
  }
}

describe('a handler that blocks the thread', () => {
  /** Sends four messages, or batches of `size`, whose handlers block for `ms` each. */
  async function blocking(ms: number, size = 0) {
    const clock = new BlockableClock();
    const released: unknown[] = [];
    const { tm } = await workerBench(
      (memory) =>
        subscribingOtherwise(memory, (subscription) => ({
          settle: (settlements) => {
            for (const { kind, delivery } of settlements)
              if (kind === 'release') released.push(JSON.parse(Buffer.from(delivery.envelope.body).toString())[0]);
            return subscription.settle(settlements);
          },
        })),
      clock,
    );
    const ran: number[] = [];
    const run = (numbers: readonly number[]) => {
      ran.push(...numbers);
      clock.block(ms);
    };
    const task =
      size === 0
        ? tm.task({ name: 'blocking' }, (number: number) => run([number]))
        : tm.batchTask({ name: 'blocking', batch: { size } }, (numbers: number[]) => run(numbers));
    await task.sendMany([[1], [2], [3], [4]]);
    const worker = tm.createWorker({ concurrency: 4 });
    let lost = 0;
    worker.on('leaseLost', () => void lost++);
    await worker.start();
    await aSecondOfWork(clock);
    await tm.close();
    return { ran, released, lost };
  }

  it('for a moment does not keep the rest of its fetch from starting', async () => {
    expect(await blocking(LEASE_MS / 10)).toEqual({ ran: [1, 2, 3, 4], released: [], lost: 0 });
  });

  it('for most of a lease makes the worker hand back the rest of its fetch, in order and with live leases', async () => {
    const released = [4, 3, 2, 4, 3, 4];
    expect(await blocking(0.6 * LEASE_MS)).toEqual({ ran: [1, 2, 3, 4], released, lost: 0 });
  });

  it('for most of a lease with a batch hands back the rest of its fetch, too', async () => {
    expect(await blocking(0.6 * LEASE_MS, 2)).toEqual({ ran: [1, 2, 3, 4], released: [4, 3], lost: 0 });
  });
});
