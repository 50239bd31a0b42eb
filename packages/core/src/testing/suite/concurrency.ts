import assert from 'node:assert/strict';
import { ack, release } from './bench.ts';
import { imbalance } from './part-inspector-counts.ts';
import type { Group } from './group.ts';

const PRODUCERS = 10;
const CONSUMERS = 5;
const MESSAGES = 5_000;

export const concurrency: Group = {
  name: 'many at once',
  cases(it) {
    it(`moves ${MESSAGES} messages from ${PRODUCERS} producers to ${CONSUMERS} consumers: none is lost, none is settled twice`, async (bench) => {
      const published = new Set<string>();
      const acknowledged = new Set<string>();
      const highestFence = new Map<string, number>();
      const produce = async () => {
        for (let sent = 0; sent < MESSAGES / PRODUCERS; sent += 50) {
          for (const id of await bench.publish(50)) published.add(id);
        }
      };
      const consume = async (consumer: number) => {
        // In real time, the lease of the suite is shorter than a pause of a busy machine.
        const subscription = await bench.subscribe(bench.queue, { prefetch: 50, leaseMs: 30_000 });
        for (let round = 0; acknowledged.size < MESSAGES; round++) {
          const deliveries = await bench.now(subscription, 50);
          for (const { envelope, fence } of deliveries) {
            assert(
              fence > (highestFence.get(envelope.id) ?? -1),
              `fence ${fence} of ${envelope.id} is not higher than before`,
            );
            highestFence.set(envelope.id, fence);
          }
          // Every tenth batch is released once, so that messages move between consumers.
          const givenBack = (round + consumer) % 10 === 0 && round < 50;
          const lost = await subscription.settle(deliveries.map(givenBack ? release : ack));
          assert.equal(lost.length, 0, 'a live lease was lost');
          if (!givenBack) {
            for (const { envelope } of deliveries) {
              assert(!acknowledged.has(envelope.id), `${envelope.id} was acknowledged twice`);
              acknowledged.add(envelope.id);
            }
          }
          if (deliveries.length === 0) await bench.pass(1);
        }
      };
      await Promise.all([
        ...Array.from({ length: PRODUCERS }, produce),
        ...Array.from({ length: CONSUMERS }, (_, consumer) => consume(consumer)),
      ]);
      assert.deepEqual(acknowledged, published);
      const { inspector, capabilities } = bench.broker;
      if (inspector !== undefined && capabilities.counts === 'exact') {
        const counts = await inspector.counts(bench.queue);
        assert.equal(imbalance(counts), 0, JSON.stringify(counts));
        assert.equal(counts.acknowledged, MESSAGES);
      }
    }, 60_000);
  },
};
