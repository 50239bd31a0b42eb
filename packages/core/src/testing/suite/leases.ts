import assert from 'node:assert/strict';
import { deadLetterEnvelope } from '../../broker/dead-letter.ts';
import type { Delivery } from '../../broker/delivery.ts';
import type { Settlement } from '../../broker/settlement.ts';
import { ack, ids, release } from './bench.ts';
import type { Group } from './group.ts';

const LONG = 20_000;

const STALE: Readonly<Record<Settlement['kind'], (delivery: Delivery) => Settlement>> = {
  ack,
  release,
  expire: (delivery) => ({ kind: 'expire', delivery }),
  retry: (delivery) => ({
    kind: 'retry',
    delivery,
    replacement: { ...delivery.envelope, body: Buffer.from('"stale"') },
  }),
  'dead-letter': (delivery) => ({
    kind: 'dead-letter',
    delivery,
    reason: 'stale',
    replacement: deadLetterEnvelope(delivery.envelope, 'stale'),
  }),
};

export const leases: Group = {
  name: 'leases and fencing',
  cases(it) {
    it('delivers a held message to no other consumer', async (bench) => {
      await bench.publish(1);
      await bench.takeOne(await bench.subscribe());
      await bench.nothing(await bench.subscribe(), bench.leaseMs / 3);
    });

    it(
      'delivers a message again when its lease expires, with one crash and a higher fence',
      async (bench) => {
        await bench.publish(1);
        const dead = await bench.takeOne(await bench.subscribe());
        const again = await bench.takeOne(await bench.subscribe(), bench.recoveryMs);
        assert.equal(again.envelope.id, dead.envelope.id);
        assert.equal(again.crashes, dead.crashes + 1);
        assert(again.fence > dead.fence, `fence ${again.fence} after ${dead.fence}`);
      },
      LONG,
    );

    it('keeps fences growing for an id that is stored again after its message ended', async (bench) => {
      const envelope = bench.envelope();
      const subscription = await bench.subscribe();
      const fences: number[] = [];
      let last: Delivery | undefined;
      for (let life = 0; life < 3; life++) {
        await bench.broker.publish([envelope]);
        const delivery = await bench.takeOne(subscription);
        fences.push(delivery.fence);
        if (last !== undefined) {
          const lost = await subscription.settle([ack(last)]);
          assert.deepEqual(ids(lost), [envelope.id], 'a delivery of the ended message must settle nothing');
        }
        await bench.settle(subscription, ack(delivery));
        last = delivery;
      }
      assert(
        fences.every((fence, index) => index === 0 || fence > (fences[index - 1] as number)),
        `fences of one id: ${fences.join(', ')}`,
      );
    });

    it(
      'does not deliver a message again while its lease is renewed',
      async (bench) => {
        await bench.publish(2);
        const subscription = await bench.subscribe();
        const held = await bench.take(subscription, 2);
        const other = await bench.subscribe();
        for (let third = 0; third < 9; third++) {
          await bench.nothing(other, bench.leaseMs / 3);
          assert.deepEqual(await subscription.extend(held), []);
        }
        await bench.settle(subscription, ...held.map(ack));
      },
      LONG,
    );

    it(
      'reports to a late consumer which leases it has lost',
      async (bench) => {
        await bench.publish(2);
        const subscription = await bench.subscribe();
        const held = await bench.take(subscription, 2);
        const other = await bench.subscribe();
        await bench.take(other, 2, bench.recoveryMs);
        assert.deepEqual(ids(await subscription.extend(held)).sort(), ids(held).sort());
      },
      LONG,
    );

    it(
      'delivers messages again that a consumer held when it closed',
      async (bench) => {
        await bench.publish(1);
        const first = await bench.broker.subscribe(bench.queue, { leaseMs: bench.leaseMs });
        await bench.takeOne(first);
        await first.close();
        const again = await bench.takeOne(await bench.subscribe(), bench.recoveryMs);
        assert.equal(again.crashes, 1);
      },
      LONG,
    );

    it(
      'counts every crash, and keeps the count over retries and releases',
      async (bench) => {
        await bench.publish(1);
        await bench.takeOne(await bench.subscribe());
        const second = await bench.subscribe();
        const crashedOnce = await bench.takeOne(second, bench.recoveryMs);
        await bench.settle(second, release(crashedOnce));
        const released = await bench.takeOne(second);
        assert.equal(released.crashes, 1);
        await bench.settle(second, { kind: 'retry', delivery: released, replacement: released.envelope });
        assert.equal((await bench.takeOne(second)).crashes, 1);
        assert.equal((await bench.takeOne(await bench.subscribe(), bench.recoveryMs)).crashes, 2);
      },
      2 * LONG,
    );

    it(
      'refuses the old delivery if the same consumer received the message again',
      async (bench) => {
        await bench.publish(1);
        const subscription = await bench.subscribe();
        const old = await bench.takeOne(subscription);
        const again = await bench.takeOne(subscription, bench.recoveryMs);
        assert.deepEqual(ids(await subscription.extend([old])), [old.envelope.id]);
        assert.deepEqual(ids(await subscription.settle([ack(old)])), [old.envelope.id]);
        await bench.settle(subscription, ack(again));
      },
      LONG,
    );

    for (const kind of Object.keys(STALE) as Settlement['kind'][]) {
      it(
        `refuses a stale ${kind}, which changes nothing for the current holder`,
        async (bench) => {
          await bench.publish(1);
          const paused = await bench.subscribe();
          const stale = await bench.takeOne(paused);
          const other = await bench.subscribe();
          const live = await bench.takeOne(other, bench.recoveryMs);
          assert.deepEqual(ids(await paused.settle([STALE[kind](stale)])), [stale.envelope.id]);
          await bench.nothing(await bench.subscribe());
          await bench.settle(other, ack(live));
          await bench.nothing(await bench.subscribe(), 20);
        },
        LONG,
      );
    }
  },
};
