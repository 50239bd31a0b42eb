import assert from 'node:assert/strict';
import { deadLetterEnvelope } from '../../broker/dead-letter.ts';
import type { Delivery } from '../../broker/delivery.ts';
import { ack } from './bench.ts';
import type { Group } from './group.ts';

export const messages: Group = {
  name: 'part messages',
  cases(it) {
    it('finds messages by id in every state, and leaves out those that ended', async (bench) => {
      const messages = bench.part('messages');
      const { queue } = bench;
      const [done, dead, running, ready] = (await bench.publish(4)) as [string, string, string, string];
      const dueAt = bench.clock.now() + 60_000;
      const [delayed] = (await bench.publish(1, { notBefore: dueAt, headers: { 'brokkr-task': 'late' } })) as [string];
      const subscription = await bench.subscribe(queue, { prefetch: 1, workerId: 'w-7' });
      const [first, second, third] = (await bench.take(subscription, 3)) as [Delivery, Delivery, Delivery];
      await bench.settle(subscription, ack(first), {
        kind: 'dead-letter',
        delivery: second,
        reason: 'x',
        replacement: deadLetterEnvelope(second.envelope, 'x'),
      });
      const found = await messages.find(queue, [ready, 'unknown', done, delayed, running, dead, '__proto__']);
      assert.deepEqual(
        found.map(({ envelope, state }) => [envelope.id, state]),
        [
          [ready, 'ready'],
          [delayed, 'delayed'],
          [running, 'running'],
          [dead, 'dead'],
        ],
      );
      const late = found[1];
      assert.equal(late?.envelope.headers['brokkr-task'], 'late');
      assert(Math.abs((late?.dueAt ?? 0) - dueAt) < 5_000, 'the time at which it is due');
      assert.equal(found[2]?.workerId ?? 'w-7', 'w-7');
      assert.deepEqual(Buffer.from(found[0]?.envelope.body ?? []).toString(), '[3]');
      await bench.settle(subscription, ack(third));
    });

    it('makes delayed messages ready now, and nothing else', async (bench) => {
      const messages = bench.part('messages');
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      const delayed = await bench.publish(3, { notBefore: bench.clock.now() + 3_600_000 });
      const [ready] = await bench.publish(1);
      const [first, second] = delayed as [string, string, string];
      const promoted = await messages.promote(bench.queue, [first, second, ready as string, 'unknown', first]);
      assert.deepEqual([...promoted].sort(), [first, second].sort());
      const subscription = await bench.subscribe();
      const taken = await bench.take(subscription, 3);
      assert.deepEqual(taken.map(({ envelope }) => envelope.id).sort(), [first, second, ready].sort());
      assert(taken.every(({ crashes, remainingDelayMs }) => crashes === 0 && !remainingDelayMs));
      await bench.settle(subscription, ...taken.map(ack));
      await bench.nothing(subscription);
    });

    it('puts promoted messages ahead of those that are ready, in the order of the call', async (bench) => {
      const messages = bench.part('messages');
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      bench.needs(bench.broker.capabilities.ordered, 'the broker has no order');
      const ready = await bench.publish(2);
      const delayed = await bench.publish(3, { notBefore: bench.clock.now() + 3_600_000 });
      await messages.promote(bench.queue, delayed);
      const subscription = await bench.subscribe(bench.queue, { prefetch: 1 });
      const taken: string[] = [];
      for (let count = 0; count < 5; count++) {
        const delivery = await bench.takeOne(subscription);
        taken.push(delivery.envelope.id);
        await bench.settle(subscription, ack(delivery));
      }
      assert.deepEqual(taken, [...delayed, ...ready]);
    });

    it('wakes a waiting consumer when it makes a message ready', async (bench) => {
      const messages = bench.part('messages');
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      const ids = await bench.publish(1, { notBefore: bench.clock.now() + 3_600_000 });
      const subscription = await bench.subscribe();
      const waiting = subscription.receive(1, { signal: new AbortController().signal, wait: true });
      await bench.pass(20);
      await messages.promote(bench.queue, ids);
      assert.deepEqual(
        (await waiting).map(({ envelope }) => envelope.id),
        ids,
      );
    });

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
