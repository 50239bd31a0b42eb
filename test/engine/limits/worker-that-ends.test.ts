import { MemoryBroker } from '@brokkr/broker-memory';
import { ManualClock } from '@brokkr/core/testing';
import { afterEach, expect, it } from 'vitest';
import { closeManagers, managerOn } from './permit-bench.ts';

afterEach(closeManagers);

it('another worker of the process calls the messages of one that ends', async () => {
  const clock = new ManualClock();
  const broker = new MemoryBroker({ clock });
  const { inspector } = broker;
  const tm = await managerOn(broker, {}, { clock });
  const task = tm.task({ name: 't', limits: [tm.limit({ name: 'slow', rate: 1, per: '20s' })] }, () => undefined);
  const ends = tm.createWorker();
  await tm.createWorker({ queues: ['other'] }).start();
  await ends.start();
  await task.sendMany([[], []]);
  await clock.advance(1_000);
  expect(await inspector.counts('default')).toMatchObject({ acknowledged: 1, delayed: 1 });
  const stopped = ends.stop();
  await clock.advance(100);
  await stopped;
  // By itself it would come back after 40 s.
  await clock.advance(20_000);
  expect(await inspector.counts('default')).toMatchObject({ ready: 1, delayed: 0 });
});
