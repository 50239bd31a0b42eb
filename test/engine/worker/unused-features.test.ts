import { expect, it, vi } from 'vitest';
import { Batching } from '../../../packages/core/src/worker/batching.ts';
import { PrioritySubscription } from '../../../packages/core/src/worker/priority-subscription.ts';
import { aSecondOfWork, workerBench } from './worker-bench.ts';

it('a worker whose tasks have no batches and no lanes never enters their code', async () => {
  const accept = vi.spyOn(Batching.prototype, 'accept');
  const room = vi.spyOn(Batching.prototype, 'roomOf');
  const open = vi.spyOn(PrioritySubscription, 'open');
  const { clock, broker, tm } = await workerBench();
  const plain = tm.task({ name: 'plain' }, () => undefined);
  await tm.createWorker({ concurrency: 20 }).start();
  await plain.sendMany(Array.from({ length: 100 }, () => []));
  await aSecondOfWork(clock);
  expect(await broker.inspector.counts('default')).toMatchObject({ acknowledged: 100 });
  expect([accept, room, open].map((spy) => spy.mock.calls.length)).toEqual([0, 0, 0]);
  // The same spies see a worker that uses them.
  const other = tm.batchTask(
    { name: 'gathered', queueName: 'other', priorities: true, batch: { size: 2 } },
    () => undefined,
  );
  await tm.createWorker({ queues: ['other'] }).start();
  await other.sendMany([[1], [2]]);
  await aSecondOfWork(clock);
  expect([accept.mock.calls.length, open.mock.calls.length]).toEqual([2, 1]);
  await tm.close();
});
