import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { BrokerUnavailableError } from '../../errors/errors.ts';
import { deadLetterEnvelope } from '../../broker/dead-letter.ts';
import { ids, NotApplicable } from './bench.ts';
import { firstMessages } from '../../broker/page-messages.ts';
import type { Group } from './group.ts';

export const closing: Group = {
  name: 'closing and restarting',
  cases(it) {
    it('ends a waiting receive when its subscription closes', async (bench) => {
      const subscription = await bench.subscribe();
      const waiting = subscription.receive(1, { signal: new AbortController().signal, wait: true });
      await bench.pass(10);
      await subscription.close();
      assert.deepEqual(await waiting, []);
      await subscription.close();
    });

    it('ends a waiting receive when the broker closes, and closes twice', async (bench) => {
      const broker = await bench.openAnother();
      const subscription = await bench.subscribe(bench.queue, {}, broker);
      const waiting = subscription.receive(1, { signal: new AbortController().signal, wait: true });
      await bench.pass(10);
      await broker.close();
      assert.deepEqual(await waiting, []);
      await broker.close();
    });

    it('refuses to publish and to subscribe once closed', async (bench) => {
      const broker = await bench.openAnother();
      await broker.close();
      await assert.rejects(async () => broker.publish([bench.envelope()]), BrokerUnavailableError);
      await assert.rejects(async () => broker.subscribe(bench.queue, {}), BrokerUnavailableError);
    });

    it('rejects the pending waits for a result when it closes', async (bench) => {
      const broker = await bench.openAnother();
      const waiting = bench.part('results', broker).load(randomUUID(), new AbortController().signal);
      const refused = assert.rejects(waiting, BrokerUnavailableError);
      await bench.pass(10);
      await broker.close();
      await refused;
    });

    it('keeps ready, delayed and dead messages over a restart of the server', async (bench) => {
      const restart = bench.options.crash ?? bench.options.restart;
      bench.needs(bench.broker.capabilities.persistent, 'the broker is not persistent');
      if (restart === undefined) throw new NotApplicable('the suite has no option to restart the server');
      bench.part('inspector');
      const delayMs = bench.broker.capabilities.maxDelayMs > 0 ? 300 : 0;
      const [dead] = await bench.publish(1);
      const subscription = await bench.subscribe();
      const delivery = await bench.takeOne(subscription);
      await bench.settle(subscription, {
        kind: 'dead-letter',
        delivery,
        reason: 'x',
        replacement: deadLetterEnvelope(delivery.envelope, 'x'),
      });
      await subscription.close();
      const ready = await bench.publish(20);
      const delayed = await bench.publish(5, delayMs > 0 ? { notBefore: bench.clock.now() + delayMs } : {});
      await restart();
      // Uses a second broker, because the memory of the first one proves nothing. The first one must continue to work,
      // too.
      const another = await bench.openAnother();
      const back = await bench.take(await bench.subscribe(bench.queue, { prefetch: 50 }, another), 25, 15_000);
      assert.deepEqual(ids(back).sort(), [...ready, ...delayed].sort());
      for (const one of [another, bench.broker]) {
        const letters = await firstMessages(bench.part('inspector', one), bench.queue, 'dead', 10);
        assert.deepEqual(
          letters.map(({ id }) => id),
          [dead],
        );
      }
    }, 90_000);
  },
};
