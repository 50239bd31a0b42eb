import assert from 'node:assert/strict';
import { RECEIVED_AT_ONCE } from '../../broker/received-at-once.ts';
import { ack, ids, release } from './bench.ts';
import type { Group } from './group.ts';

export const receiving: Group = {
  name: 'receiving',
  cases(it) {
    it('delivers at most as many messages as the limit', async (bench) => {
      await bench.publish(5);
      const subscription = await bench.subscribe();
      await bench.until(
        async () => (await bench.now(subscription, 2)).length === 2,
        2_000,
        () => 'two were not delivered',
      );
    });

    it(`delivers ${RECEIVED_AT_ONCE} ready messages in one call: fewer would mean that there are no more`, async (bench) => {
      await bench.publish(RECEIVED_AT_ONCE);
      const subscription = await bench.subscribe(bench.queue, { prefetch: RECEIVED_AT_ONCE });
      assert.equal((await bench.now(subscription, RECEIVED_AT_ONCE)).length, RECEIVED_AT_ONCE);
    });

    it('returns immediately if the queue is empty and it need not wait', async (bench) => {
      assert.deepEqual(await bench.now(await bench.subscribe()), []);
    });

    for (const [what, act] of [
      ['published', undefined],
      ['released', 'release'],
      ['due', 'delay'],
    ] as const) {
      it(`waits until a message is ${what}`, async (bench) => {
        bench.needs(act !== 'delay' || bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
        const holder = await bench.subscribe();
        if (act === 'release') await bench.publish(1);
        const held = act === 'release' ? await bench.takeOne(holder) : undefined;
        const subscription = await bench.subscribe();
        const waiting = subscription.receive(10, { signal: AbortSignal.timeout(4_000), wait: true });
        let arrived = false;
        void waiting.then(() => {
          arrived = true;
        });
        await bench.pass(20);
        assert.equal(arrived, false, 'it should have waited');
        if (held !== undefined) await bench.settle(holder, release(held));
        else await bench.publish(1, act === 'delay' ? { notBefore: bench.clock.now() + 100 } : {});
        await bench.until(
          () => arrived,
          2_000,
          () => 'no message was delivered',
        );
        assert.equal((await waiting).length, 1);
      });
    }

    it('delivers nothing once aborted, before or during a wait', async (bench) => {
      const subscription = await bench.subscribe();
      const aborted = AbortSignal.abort();
      await bench.publish(1);
      assert.deepEqual(await subscription.receive(10, { signal: aborted, wait: true }), []);
      await bench.settle(subscription, ack(await bench.takeOne(subscription)));
      const controller = new AbortController();
      const waiting = subscription.receive(10, { signal: controller.signal, wait: true });
      await bench.pass(10);
      controller.abort();
      assert.deepEqual(await waiting, []);
      const [id] = await bench.publish(1);
      assert.deepEqual(ids([await bench.takeOne(subscription)]), [id]);
    });

    it('loses nothing, and counts no crash, if it is aborted during a claim', async (bench) => {
      const published = await bench.publish(20);
      const subscription = await bench.subscribe();
      for (let round = 0; round < 24; round++) {
        const controller = new AbortController();
        const receiving = subscription.receive(5, { signal: controller.signal, wait: round % 2 === 0 });
        for (let turn = 0; turn < round / 2; turn++) {
          if (turn % 4 === 3) await new Promise((resolve) => setImmediate(resolve));
          else await Promise.resolve();
        }
        controller.abort();
        const deliveries = await receiving;
        await bench.settle(subscription, ...deliveries.toReversed().map(release));
      }
      const taken = await bench.take(subscription, published.length);
      assert.deepEqual(ids(taken).sort(), published.sort());
      assert.deepEqual(new Set(taken.map(({ crashes }) => crashes)), new Set([0]));
    });

    it('delivers each message to one consumer of a queue', async (bench) => {
      const published = await bench.publish(40);
      const consumers = await Promise.all([bench.subscribe(), bench.subscribe(), bench.subscribe(), bench.subscribe()]);
      const taken: string[] = [];
      await bench.until(
        async () => {
          for (const consumer of consumers) {
            const deliveries = await bench.now(consumer, 3);
            taken.push(...ids(deliveries));
            if (deliveries.length > 0) await bench.settle(consumer, ...deliveries.map(ack));
          }
          return taken.length >= published.length;
        },
        2_000,
        () => `${taken.length} of 40 were delivered`,
      );
      assert.deepEqual(taken.sort(), published.sort());
    });

    it('delivers messages first in, first out to a consumer that takes one at a time', async (bench) => {
      bench.needs(bench.broker.capabilities.ordered, 'the broker is not ordered');
      const published = await bench.publish(20);
      const subscription = await bench.subscribe(bench.queue, { prefetch: 1 });
      const order: string[] = [];
      for (let index = 0; index < published.length; index++) {
        const delivery = await bench.takeOne(subscription);
        order.push(delivery.envelope.id);
        await bench.settle(subscription, ack(delivery));
      }
      assert.deepEqual(order, published);
    });

    it('returns prefetched messages when it closes: other consumers get them immediately, without a crash', async (bench) => {
      await bench.publish(10);
      const first = await bench.broker.subscribe(bench.queue, { leaseMs: bench.leaseMs, prefetch: 10 });
      const held = await bench.takeOne(first);
      await bench.settle(first, ack(held));
      await first.close();
      const others = await bench.take(await bench.subscribe(), 9);
      assert.deepEqual(new Set(others.map(({ crashes }) => crashes)), new Set([0]));
    });
  },
};
