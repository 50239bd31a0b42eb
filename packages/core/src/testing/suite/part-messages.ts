import assert from 'node:assert/strict';
import { deadLetterEnvelope } from '../../broker/dead-letter.ts';
import type { Delivery } from '../../broker/delivery.ts';
import { ack } from './bench.ts';
import type { Group } from './group.ts';

export const messages: Group = {
  name: 'part messages',
  cases(it) {
    it('cancels ready and delayed messages, and leaves running ones', async (bench) => {
      const messages = bench.part('messages');
      const [ready] = await bench.publish(1);
      const [delayed] = await bench.publish(1, { notBefore: bench.clock.now() + 60_000 });
      assert.deepEqual(
        [...(await messages.cancel(bench.queue, [ready as string, delayed as string, 'unknown']))].sort(),
        [ready, delayed].sort(),
      );
      const [running] = await bench.publish(1);
      const subscription = await bench.subscribe();
      const held = await bench.takeOne(subscription);
      assert.deepEqual(await messages.cancel(bench.queue, [running as string]), []);
      await bench.settle(subscription, ack(held));
    });

    it('reports which messages have not ended', async (bench) => {
      const { queue } = bench;
      const messages = bench.part('messages');
      const [done, dead, running, ready] = (await bench.publish(4)) as [string, string, string, string];
      const [delayed] = (await bench.publish(1, { notBefore: bench.clock.now() + 60_000 })) as [string];
      const all = [done, dead, running, ready, delayed];
      assert.deepEqual([...(await messages.unfinished(queue, [...all, 'unknown']))].sort(), [...all].sort());
      const subscription = await bench.subscribe(queue, { prefetch: 1 });
      const held = await bench.take(subscription, 3);
      const [first, second, third] = held as [Delivery, Delivery, Delivery];
      await bench.settle(subscription, ack(first), {
        kind: 'dead-letter',
        delivery: second,
        reason: 'x',
        replacement: deadLetterEnvelope(second.envelope, 'x'),
      });
      assert.deepEqual([...(await messages.unfinished(queue, all))].sort(), [running, ready, delayed].sort());
      if (bench.broker.inspector !== undefined) {
        await bench.broker.inspector.purge(queue);
        assert.deepEqual([...(await messages.unfinished(queue, all))].sort(), [running, delayed].sort());
      }
      await bench.settle(subscription, ack(third));
    });
  },
};
