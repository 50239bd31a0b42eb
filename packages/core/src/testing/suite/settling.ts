import assert from 'node:assert/strict';
import { deadLetterEnvelope } from '../../broker/dead-letter.ts';
import { ack, ids, release } from './bench.ts';
import { firstMessages } from '../../broker/page-messages.ts';
import type { Group } from './group.ts';

export const settling: Group = {
  name: 'settling',
  cases(it) {
    it('never delivers an acknowledged message again, also after its consumer is gone and its lease would have ended', async (bench) => {
      await bench.publish(1);
      const subscription = await bench.broker.subscribe(bench.queue, { leaseMs: bench.leaseMs });
      await bench.settle(subscription, ack(await bench.takeOne(subscription)));
      await subscription.close();
      await bench.nothing(await bench.subscribe(), bench.leaseMs * 2);
    });

    it('settles the deliveries of one call in different ways', async (bench) => {
      const inspector = bench.part('inspector');
      await bench.publish(5);
      const subscription = await bench.subscribe();
      const [a, b, c, d, e] = await bench.take(subscription, 5);
      assert(a && b && c && d && e);
      await bench.settle(
        subscription,
        ack(a),
        {
          kind: 'retry',
          delivery: b,
          replacement: { ...b.envelope, headers: { ...b.envelope.headers, mark: 'again' } },
        },
        { kind: 'dead-letter', delivery: c, reason: 'x', replacement: deadLetterEnvelope(c.envelope, 'x') },
        release(d),
        { kind: 'expire', delivery: e },
      );
      const back = await bench.take(subscription, 2);
      assert.deepEqual(ids(back).sort(), [b.envelope.id, d.envelope.id].sort());
      assert.equal(back.find(({ envelope }) => envelope.id === b.envelope.id)?.envelope.headers.mark, 'again');
      await bench.until(
        async () => (await firstMessages(inspector, bench.queue, 'dead', 10)).length === 1,
        2_000,
        () => 'no dead letter',
      );
      await bench.settle(subscription, ...back.map(ack));
      await bench.nothing(subscription);
    });

    it('refuses a second settlement of one delivery', async (bench) => {
      await bench.publish(1);
      const subscription = await bench.subscribe();
      const delivery = await bench.takeOne(subscription);
      await bench.settle(subscription, ack(delivery));
      assert.deepEqual(ids(await subscription.settle([release(delivery)])), [delivery.envelope.id]);
      await bench.nothing(subscription);
    });

    it('retries with the replacement: same id, new body and headers, a higher fence, no crash', async (bench) => {
      await bench.publish(1);
      const subscription = await bench.subscribe();
      const first = await bench.takeOne(subscription);
      const replacement = {
        ...first.envelope,
        body: Buffer.from('["new"]'),
        headers: { 'brokkr-task': 'none', 'brokkr-attempt': '2' },
      };
      await bench.settle(subscription, { kind: 'retry', delivery: first, replacement });
      const second = await bench.takeOne(subscription);
      assert.equal(second.envelope.id, first.envelope.id);
      assert.equal(Buffer.from(second.envelope.body).toString(), '["new"]');
      assert.deepEqual({ ...second.envelope.headers }, replacement.headers);
      assert(second.fence > first.fence, `fence ${second.fence} after ${first.fence}`);
      assert.equal(second.crashes, 0);
    });

    it('puts a retried message behind the ready ones', async (bench) => {
      bench.needs(bench.broker.capabilities.ordered, 'the broker is not ordered');
      const [a, b] = await bench.publish(2);
      const subscription = await bench.subscribe(bench.queue, { prefetch: 1 });
      const first = await bench.takeOne(subscription);
      assert.equal(first.envelope.id, a);
      await bench.settle(subscription, { kind: 'retry', delivery: first, replacement: first.envelope });
      const second = await bench.takeOne(subscription);
      assert.equal(second.envelope.id, b);
      await bench.settle(subscription, ack(second));
      assert.equal((await bench.takeOne(subscription)).envelope.id, a);
    });

    it('delays a retry until it is due, and no longer', async (bench) => {
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      await bench.publish(1);
      const subscription = await bench.subscribe();
      const first = await bench.takeOne(subscription);
      const waitMs = 150;
      const replacement = { ...first.envelope, notBefore: bench.clock.now() + waitMs };
      const sentAt = bench.clock.monotonic();
      await bench.settle(subscription, { kind: 'retry', delivery: first, replacement });
      await bench.takeOne(subscription, waitMs + bench.broker.capabilities.delayResolutionMs);
      const waited = bench.clock.monotonic() - sentAt;
      assert(waited >= waitMs - 1, `delivered after ${waited} ms`);
    });

    it('delivers messages that one call released in their order again', async (bench) => {
      bench.needs(bench.broker.capabilities.ordered, 'the broker is not ordered');
      const published = await bench.publish(5);
      const subscription = await bench.subscribe(bench.queue, { prefetch: published.length });
      const deliveries = await bench.take(subscription, published.length);
      await bench.settle(subscription, ...deliveries.toReversed().map(release));
      assert.deepEqual(ids(await bench.take(subscription, published.length)), published);
    });

    it('delivers a released message again immediately and unchanged, and counts neither attempt nor crash', async (bench) => {
      await bench.publish(1);
      const subscription = await bench.subscribe();
      let delivery = await bench.takeOne(subscription);
      const { envelope } = delivery;
      for (let round = 0; round < 25; round++) {
        await bench.settle(subscription, release(delivery));
        delivery = await bench.takeOne(subscription);
      }
      assert.equal(delivery.crashes, 0);
      assert.deepEqual({ ...delivery.envelope.headers }, { ...envelope.headers });
      assert.equal(Buffer.compare(delivery.envelope.body, envelope.body), 0);
    });
  },
};
