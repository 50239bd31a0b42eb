import assert from 'node:assert/strict';
import { UnsupportedFeatureError } from '../../errors/errors.ts';
import { ack, ids } from './bench.ts';
import type { Group } from './group.ts';
import { worker } from './worker-bench.ts';

export const optional: Group = {
  name: 'capabilities that a broker may lack',
  cases(it) {
    it('stores two messages with one idempotency key once, or refuses the key', async (bench) => {
      if (!bench.broker.capabilities.idempotency) {
        const { task } = await worker(bench, async () => undefined);
        await assert.rejects(task.with({ idempotencyKey: 'k' }).send(), UnsupportedFeatureError);
        return;
      }
      const first = bench.envelope({ idempotencyKey: 'k' });
      const [told] = await bench.broker.publish([first]);
      assert.deepEqual(told, { id: first.id, isNew: true });
      const repeated = await Promise.all(
        Array.from({ length: 20 }, () => bench.broker.publish([bench.envelope({ idempotencyKey: 'k' })])),
      );
      assert.deepEqual(
        new Set(repeated.flat().map(({ id, isNew }) => `${id} ${isNew}`)),
        new Set([`${first.id} false`]),
      );
      await bench.broker.publish([bench.envelope({ idempotencyKey: 'other' })]);
      const subscription = await bench.subscribe();
      await bench.settle(subscription, ...(await bench.take(subscription, 2)).map(ack));
      await bench.broker.publish([bench.envelope({ idempotencyKey: 'k' })]);
      await bench.nothing(subscription, 20);
    });

    it('recognizes an idempotency key in any queue', async (bench) => {
      bench.needs(bench.broker.capabilities.idempotency, 'the broker does not recognize idempotency keys');
      const queues = [bench.queue, `${bench.queue}-2`, `${bench.queue}-3`];
      const another = bench.isShared ? await bench.openAnother() : bench.broker;
      const receipts = await Promise.all(
        Array.from({ length: 20 }, (_, index) => {
          const envelope = bench.envelope({ idempotencyKey: 'k', queue: queues[index % 3] as string });
          return (index % 2 === 0 ? bench.broker : another).publish([envelope]);
        }),
      );
      const told = receipts.flat();
      assert.equal(told.filter(({ isNew }) => isNew).length, 1, 'one was stored');
      assert.equal(new Set(told.map(({ id }) => id)).size, 1, 'every sender gets the message that is stored');
      const taken = await Promise.all(queues.map(async (queue) => bench.now(await bench.subscribe(queue))));
      assert.deepEqual(ids(taken.flat()), [told[0]?.id]);
    });

    it('refuses a delay, or delays the message', async (bench) => {
      const { task } = await worker(bench, async () => undefined);
      if (bench.broker.capabilities.maxDelayMs === 0)
        await assert.rejects(task.with({ delay: '1s' }).send(), UnsupportedFeatureError);
      else await task.with({ delay: '1s' }).send();
    });

    it('rejects handle.cancel() if the broker has no part messages', async (bench) => {
      bench.needs(bench.broker.messages === undefined, 'the broker has the part `messages`');
      const { task } = await worker(bench, async () => undefined);
      const handle = await task.send();
      await assert.rejects(handle.cancel(), UnsupportedFeatureError);
    });
  },
};
