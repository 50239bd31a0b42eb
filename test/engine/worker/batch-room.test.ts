import { describe, expect, it } from 'vitest';
import { subscribingOtherwise } from '../../../packages/core/src/testing/suite/subscribing-otherwise.ts';
import { aSecondOfWork, workerBench } from './worker-bench.ts';

/** A worker with two slots, and the messages that it has handed back. */
async function twoSlots() {
  const released: unknown[] = [];
  const { clock, tm } = await workerBench((memory) =>
    subscribingOtherwise(memory, (subscription) => ({
      settle: (settlements) => {
        for (const { kind, delivery } of settlements)
          if (kind === 'release') released.push(JSON.parse(Buffer.from(delivery.envelope.body).toString())[0]);
        return subscription.settle(settlements);
      },
    })),
  );
  return { clock, tm, released, worker: tm.createWorker({ concurrency: 2 }) };
}

describe('messages that gather', () => {
  it('run in the fullest batch early if no more fit, and none is fetched in vain', async () => {
    const { clock, tm, released, worker } = await twoSlots();
    const calls: string[][] = [];
    const by = (item: string) => item.charAt(0);
    const task = tm.batchTask({ name: 'index', batch: { size: 3, timeout: '1m', by } }, (items: string[]) => {
      calls.push(items);
    });
    await worker.start();
    await task.sendMany(['a1', 'b1', 'b2', 'c1', 'd1', 'e1'].map((item) => [item]));
    await aSecondOfWork(clock);
    expect(calls).toEqual([]);
    await task.sendMany(['f1', 'g1', 'h1'].map((item) => [item]));
    await aSecondOfWork(clock);
    expect(calls).toEqual([['b1', 'b2'], ['a1']]);
    expect(released).toEqual([]);
    await tm.close();
  });

  it('do not count for the room of a task with smaller batches', async () => {
    const { clock, tm, released, worker } = await twoSlots();
    const calls: number[][] = [];
    const run = (items: number[]) => void calls.push(items);
    const large = tm.batchTask({ name: 'large', batch: { size: 100, timeout: '1m' } }, run);
    const small = tm.batchTask({ name: 'small', batch: { size: 2, timeout: '1m' } }, run);
    await worker.start();
    await large.sendMany(Array.from({ length: 50 }, (_, item) => [item]));
    await aSecondOfWork(clock);
    await small.sendMany([[100], [101]]);
    await aSecondOfWork(clock);
    expect(calls).toEqual([[100, 101]]);
    expect(released).toEqual([]);
    await tm.close();
  });
});
