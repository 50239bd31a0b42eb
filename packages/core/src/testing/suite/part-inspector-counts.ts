import assert from 'node:assert/strict';
import { deadLetterEnvelope } from '../../broker/dead-letter.ts';
import type { Envelope } from '../../broker/envelope.ts';
import type { QueueCounts } from '../../broker/inspector.ts';
import { ack, ids, release } from './bench.ts';
import { firstMessages } from '../../broker/page-messages.ts';
import type { Group } from './group.ts';

/** Returns `published` minus the sum of the other counts: 0 if the counts are conserved. */
export function imbalance(counts: QueueCounts): number {
  const { published, overdueMs: _, ...rest } = counts;
  return Object.values(rest).reduce<number>((left, count) => left - (count ?? Number.NaN), published ?? Number.NaN);
}

/** Longer than a busy server needs to count and to purge. */
const DELAY_MS = 2_000;

export const countsGroup: Group = {
  name: 'part inspector: counts and queues',
  cases(it) {
    it('conserves its counts over every state change of a message', async (bench) => {
      const inspector = bench.part('inspector');
      bench.needs(bench.broker.capabilities.counts === 'exact', 'the server does not know all counts');
      await bench.publish(8);
      const subscription = await bench.subscribe();
      const [a, b, c, d, e] = await bench.take(subscription, 5);
      assert(a && b && c && d && e);
      await bench.settle(
        subscription,
        ack(a),
        { kind: 'expire', delivery: b },
        { kind: 'dead-letter', delivery: c, reason: 'x', replacement: deadLetterEnvelope(c.envelope, 'x') },
        { kind: 'retry', delivery: d, replacement: { ...d.envelope, notBefore: bench.clock.now() + 60_000 } },
        { kind: 'dead-letter', delivery: e, reason: 'x', replacement: deadLetterEnvelope(e.envelope, 'x') },
      );
      await inspector.discard(bench.queue, [e.envelope.id]);
      const [running] = await bench.take(subscription, 1);
      const { messages } = bench.broker;
      await messages?.cancel(bench.queue, [d.envelope.id]);
      const counts = await inspector.counts(bench.queue);
      assert.equal(imbalance(counts), 0, JSON.stringify(counts));
      assert.deepEqual(counts, {
        ready: 2,
        delayed: messages === undefined ? 1 : 0,
        running: 1,
        dead: 1,
        published: 8,
        acknowledged: 1,
        discarded: 1,
        purged: 0,
        cancelled: messages === undefined ? 0 : 1,
        expired: 1,
      });
      assert.equal(await inspector.purge(bench.queue), 2);
      if (running !== undefined) await bench.settle(subscription, release(running));
      await inspector.redrive(bench.queue, 'all');
      assert.equal(imbalance(await inspector.counts(bench.queue)), 0);
    });

    it('conserves its counts if one id dies twice, or is redriven while a live message has the same id', async (bench) => {
      const inspector = bench.part('inspector');
      bench.needs(bench.broker.capabilities.counts === 'exact', 'the server does not know all counts');
      const envelope = bench.envelope();
      const subscription = await bench.subscribe();
      for (let death = 0; death < 2; death++) {
        await bench.broker.publish([envelope]);
        const delivery = await bench.takeOne(subscription);
        const replacement = deadLetterEnvelope(delivery.envelope, 'x');
        await bench.settle(subscription, { kind: 'dead-letter', delivery, reason: 'x', replacement });
        const counts = await inspector.counts(bench.queue);
        assert.equal(imbalance(counts), 0, JSON.stringify(counts));
      }
      await bench.broker.publish([envelope]);
      await inspector.redrive(bench.queue, 'all');
      const counts = await inspector.counts(bench.queue);
      assert.equal(imbalance(counts), 0, JSON.stringify(counts));
    });

    it('reports how many messages are ready', async (bench) => {
      const inspector = bench.part('inspector');
      await bench.publish(3);
      await bench.until(
        async () => (await inspector.counts(bench.queue)).ready === 3,
        2_000,
        () => 'three were not counted',
      );
    });

    it('counts, shows and purges a delayed message as ready once it is due, also if no consumer comes', async (bench) => {
      const inspector = bench.part('inspector');
      const { maxDelayMs, delayResolutionMs } = bench.broker.capabilities;
      bench.needs(maxDelayMs > 0, 'the broker cannot delay');
      const [prompt] = await bench.publish(1);
      const first = await bench.publish(1, { notBefore: bench.clock.now() + 50 });
      const late = [...first, ...(await bench.publish(1, { notBefore: bench.clock.now() + 100 }))];
      await bench.publish(1, { notBefore: bench.clock.now() + 3_600_000 });
      await bench.until(
        async () => {
          const { ready, delayed } = await inspector.counts(bench.queue);
          return ready === 3 && delayed === 1;
        },
        100 + delayResolutionMs + 2_000,
        () => 'two due messages are not ready',
      );
      const orders = inspector.browsing === 'free' ? (['oldest', 'newest'] as const) : (['oldest'] as const);
      for (const from of orders) {
        const shown: string[] = [];
        let next: string | undefined;
        do {
          const page = await inspector.page(bench.queue, 'ready', { limit: 1, after: next, from });
          shown.push(...page.items.map(({ envelope }) => envelope.id));
          next = page.next;
        } while (next !== undefined);
        assert.deepEqual(from === 'oldest' ? shown : shown.reverse(), [prompt, ...late]);
      }
      assert.equal((await firstMessages(inspector, bench.queue, 'delayed', 10)).length, 1);
      const found = await bench.broker.messages?.find(bench.queue, late);
      assert.deepEqual(found?.map(({ state }) => state) ?? ['ready', 'ready'], ['ready', 'ready']);
      assert.equal(await inspector.purge(bench.queue), 3);
      assert.equal((await inspector.counts(bench.queue)).delayed, 1);
    });

    it('lists the queues it knows', async (bench) => {
      const inspector = bench.part('inspector');
      await bench.publish(1);
      assert((await inspector.queues()).includes(bench.queue));
    });

    it('shows ready messages before they are purged, and keeps those of a batch that is refused', async (bench) => {
      const inspector = bench.part('inspector');
      bench.needs(bench.broker.capabilities.collapse !== true, 'the broker frees the keys of purged messages itself');
      const sent = await bench.publish(3);
      await bench.until(
        async () => (await inspector.counts(bench.queue)).ready === 3,
        2_000,
        () => 'three are not ready',
      );
      const refusal = new Error('the store is unreachable');
      await assert.rejects(
        inspector.purge(bench.queue, () => Promise.reject(refusal)),
        refusal,
      );
      await bench.until(
        async () => (await inspector.counts(bench.queue)).ready === 3,
        2_000,
        () => 'the messages did not stay',
      );
      const shown: string[] = [];
      const removed = await inspector.purge(bench.queue, async (envelopes) => {
        shown.push(...envelopes.map(({ id }) => id));
      });
      assert.deepEqual([removed, shown.sort()], [3, sent.sort()]);
      await bench.nothing(await bench.subscribe());
    });

    it('purges ready messages, and no others', async (bench) => {
      const inspector = bench.part('inspector');
      await bench.publish(3);
      const subscription = await bench.subscribe(bench.queue, { prefetch: 1 });
      const held = await bench.takeOne(subscription);
      if (bench.broker.capabilities.maxDelayMs > 0) await bench.publish(1, { notBefore: bench.clock.now() + DELAY_MS });
      await bench.until(
        async () => (await inspector.counts(bench.queue)).ready === 2,
        2_000,
        () => 'two are not ready',
      );
      assert.equal(await inspector.purge(bench.queue), 2);
      // Acknowledge first: a broker that pushes sends a consumer with prefetch 1 no other message while it holds this
      // one.
      await bench.settle(subscription, ack(held));
      if (bench.broker.capabilities.maxDelayMs > 0) {
        const [delayed] = await bench.take(subscription, 1, DELAY_MS + bench.broker.capabilities.delayResolutionMs);
        if (delayed !== undefined) await bench.settle(subscription, ack(delayed));
      }
      await bench.nothing(subscription);
    });

    it('shows ready and delayed messages without taking them', async (bench) => {
      const inspector = bench.part('inspector');
      const published = await bench.publish(3);
      await bench.until(
        async () => (await inspector.counts(bench.queue)).ready === 3,
        2_000,
        () => 'three are not ready',
      );
      assert.deepEqual((await firstMessages(inspector, bench.queue, 'ready', 2)).length, 2);
      assert.deepEqual(ids(await bench.take(await bench.subscribe(), 3)).sort(), published.sort());
    });

    it('moves messages away once they are stored elsewhere, and keeps them if that fails', async (bench) => {
      const inspector = bench.part('inspector');
      const published = await bench.publish(3);
      await bench.until(
        async () => (await inspector.counts(bench.queue)).ready === 3,
        2_000,
        () => 'three are not ready',
      );
      await assert.rejects(
        inspector.take(bench.queue, 10, async () => {
          throw new Error('the other side is unreachable');
        }),
      );
      const moved: Envelope[] = [];
      await bench.until(
        async () => {
          await inspector.take(bench.queue, 10, async (envelopes) => {
            moved.push(...envelopes);
          });
          return moved.length >= 3;
        },
        3_000,
        () => `${moved.length} of 3 were moved`,
      );
      assert.deepEqual(moved.map(({ id }) => id).sort(), published.sort());
      await bench.nothing(await bench.subscribe(), 20);
    });
  },
};
