import assert from 'node:assert/strict';
import { ack } from './bench.ts';
import { isStored, send, TTL_MS } from './collapse.ts';
import type { Case, Group } from './group.ts';

export const debouncedReturns: Group = {
  name: 'debounced messages that come back without a run',
  cases(register) {
    const it: Case = (name, body, boundMs) => {
      register(
        name,
        async (bench) => {
          bench.needs(bench.broker.capabilities.collapse === true, 'the broker does not join messages');
          await body(bench);
        },
        boundMs,
      );
    };

    it('replaces a debounced message that has come back without a run, also after a crash', async (bench) => {
      const debounce = { key: 'k', mode: 'debounce' } as const;
      const dying = await bench.broker.subscribe(bench.queue, { leaseMs: bench.leaseMs, prefetch: 1 });
      const boundMs = 1_000 + bench.broker.capabilities.delayResolutionMs;
      const id = await isStored(send(bench, debounce, { notBefore: bench.clock.now() + 50 }));
      await bench.takeOne(dying, boundMs);
      await dying.close();
      const subscription = await bench.subscribe();
      const delivery = await bench.takeOne(subscription, bench.recoveryMs);
      const envelope = { ...delivery.envelope, collapse: { ttlMs: TTL_MS, ...debounce } };
      for (const waitMs of [50, 60_000]) {
        const replacement = { ...envelope, notBefore: bench.clock.now() + waitMs };
        const held = waitMs === 50 ? delivery : await bench.takeOne(subscription, boundMs);
        await bench.settle(subscription, { kind: 'retry', delivery: held, replacement });
      }
      const newest = { body: Buffer.from('[2]'), notBefore: bench.clock.now() + 50 };
      const { id: replaced, isReplacement } = await send(bench, debounce, newest);
      assert.deepEqual([replaced, isReplacement], [id, true]);
      const last = await bench.takeOne(subscription, boundMs);
      assert.deepEqual([Buffer.from(last.envelope.body).toString(), last.crashes], ['[2]', 0]);
      await bench.settle(subscription, ack(last));
      await bench.nothing(subscription, 50);
    }, 20_000);

    it('removes a debounced message that comes back after a later one of its key was stored', async (bench) => {
      const debounce = { key: 'k', mode: 'debounce' } as const;
      const boundMs = 1_000 + bench.broker.capabilities.delayResolutionMs;
      const subscription = await bench.subscribe();
      const first = await isStored(send(bench, debounce, { notBefore: bench.clock.now() + 50 }));
      const delivery = await bench.takeOne(subscription, boundMs);
      const later = await isStored(send(bench, debounce, { notBefore: bench.clock.now() + 50 }));
      const collapse = { ttlMs: TTL_MS, ...debounce };
      const replacement = { ...delivery.envelope, collapse, notBefore: bench.clock.now() + 60 };
      await bench.settle(subscription, { kind: 'retry', delivery, replacement });
      if (bench.broker.messages !== undefined)
        assert.deepEqual(await bench.broker.messages.unfinished(bench.queue, [first, later]), [later]);
      const last = await bench.takeOne(subscription, boundMs);
      assert.equal(last.envelope.id, later);
      await bench.settle(subscription, ack(last));
      await bench.nothing(subscription, 100);
      // A key that is free is taken again.
      const again = bench.envelope({ notBefore: bench.clock.now() + 50 });
      await bench.broker.publish([again]);
      const held = await bench.takeOne(subscription, boundMs);
      const kept = { ...held.envelope, collapse: { ...collapse, key: 'free' }, notBefore: bench.clock.now() + 60_000 };
      await bench.settle(subscription, { kind: 'retry', delivery: held, replacement: kept });
      assert.equal((await send(bench, { ...debounce, key: 'free' })).id, again.id);
    }, 20_000);
  },
};
