import assert from 'node:assert/strict';
import { ack, ids } from './bench.ts';
import type { Group } from './group.ts';

/** The thread of an adapter needs a moment to notice a block, and to connect. */
const SHORTEST_LEASE_MS = 3_000;

export const blockedLoop: Group = {
  name: 'a blocked event loop',
  cases(it) {
    it('keeps the leases of a guarded run and of the messages beside it for two leases', async (bench) => {
      bench.needs(!bench.isVirtual, 'in virtual time nothing blocks');
      const leaseMs = Math.max(bench.leaseMs, SHORTEST_LEASE_MS);
      const subscription = await bench.subscribe(bench.queue, { leaseMs, leaseThread: true });
      bench.needs(subscription.guard !== undefined, 'the broker renews nothing while the event loop is blocked');
      await bench.publish(3);
      const [running, ...waiting] = await bench.take(subscription, 3);
      assert(running !== undefined);
      subscription.guard?.(running, performance.now() + 60_000);
      blockFor(2 * leaseMs);
      assert.deepEqual(ids(await subscription.extend([running, ...waiting])), []);
      assert.deepEqual(ids(await subscription.settle([running, ...waiting].map(ack))), []);
      await bench.nothing(await bench.subscribe(), 20);
    }, 30_000);

    it('accepts guards for deliveries that are settled or unknown, and for any deadline', async (bench) => {
      const subscription = await bench.subscribe(bench.queue, { leaseThread: true });
      bench.needs(subscription.guard !== undefined, 'the broker renews nothing while the event loop is blocked');
      await bench.publish(1);
      const delivery = await bench.takeOne(subscription);
      subscription.guard?.(delivery, 0);
      subscription.guard?.(delivery, Number.MAX_SAFE_INTEGER);
      await bench.settle(subscription, ack(delivery));
      subscription.guard?.(delivery, 1_000);
      subscription.guard?.({ envelope: bench.envelope(), fence: 1, crashes: 0 }, 1_000);
      await bench.nothing(subscription, 20);
    });
  },
};

function blockFor(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
