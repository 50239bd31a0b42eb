import assert from 'node:assert/strict';
import type { Limit } from '../../limits/limit.ts';
import { ack, ids, type TestBench } from './bench.ts';
import type { Group } from './group.ts';
import { ask, free, heldOf, request, slots } from './limit-requests.ts';
import { limited } from './limiting.ts';

/** The thread of an adapter needs a moment to notice a block, and to connect. */
const SHORTEST_LEASE_MS = 3_000;

export const blockedLoop: Group = {
  name: 'a blocked event loop',
  cases(it) {
    it('keeps the leases of a guarded run and of the messages beside it for two leases', async (bench) => {
      bench.needs(!bench.isVirtual, 'in virtual time nothing blocks');
      const leaseMs = leaseOf(bench);
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

    it('keeps the slots of guarded runs for two leases, up to the time of each', async (bench) => {
      bench.needs(!bench.isVirtual, 'in virtual time nothing blocks');
      const store = await bench.limits();
      bench.needs(store.guard !== undefined, 'the store renews nothing while the event loop is blocked');
      const leaseMs = leaseOf(bench);
      const [kept, over, lost, released] = [slots(1), slots(1), slots(1), slots(1)].map((demand) => request(demand));
      assert(kept !== undefined && over !== undefined && lost !== undefined && released !== undefined);
      assert.deepEqual(await ask(store, [kept, over, lost, released], leaseMs), [0, 0, 0, 0]);
      const now = performance.now();
      for (const each of [lost, released]) store.guard?.(each, { until: now + 60_000, leaseMs });
      store.guard?.(over, { until: now + leaseMs / 2, leaseMs });
      store.guard?.(lost, { until: 0, leaseMs });
      store.guard?.(kept, { until: now + 60_000, leaseMs });
      await free(store, released);
      blockFor(2 * leaseMs);
      const held = async ({ demands: [demand] }: typeof kept) => demand && heldOf(store, demand);
      assert.equal(await held(kept), 1, 'within its time');
      for (const each of [over, lost, released])
        assert.equal(await held(each), 0, 'past its time, lost, or given back');
      await free(store, kept);
      assert.equal(await held(kept), 0);
    }, 30_000);

    it('accepts guards for slots that are given back or unknown, for no slots, and for any time', async (bench) => {
      const store = await bench.limits();
      bench.needs(store.guard !== undefined, 'the store renews nothing while the event loop is blocked');
      const granted = request([slots(1, 'ä'.repeat(200)), slots(2)], { token: 'ö-1' });
      await ask(store, [granted]);
      for (const until of [0, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY, 1_000])
        for (const each of [granted, request(slots(1)), undefined]) store.guard?.(each, { until, leaseMs: 1_000 });
      await free(store, granted);
      store.guard?.(granted, { until: performance.now() + 1_000, leaseMs: 1_000 });
      await free(store, granted);
      for (const demand of granted.demands) assert.equal(await heldOf(store, demand), 0);
    });

    it('starts no second message of a limit after a handler has blocked for two leases', async (bench) => {
      bench.needs(!bench.isVirtual, 'in virtual time nothing blocks');
      const { guard } = await bench.limits();
      bench.needs(guard !== undefined || !bench.isShared, 'the store renews nothing while the event loop is blocked');
      const leaseMs = leaseOf(bench);
      let limit: Limit;
      let running = 0;
      let most = 0;
      const run = async (blockMs: number) => {
        most = Math.max(most, ++running);
        blockFor(blockMs);
        // It is received before any timer of this process fires.
        if (blockMs > 0) await task.send(0);
        await bench.pass(200);
        running--;
      };
      const { manager, task, until } = await limited(bench, run, {
        task: { limits: () => [limit] },
        manager: { lease: `${leaseMs}ms` },
      });
      limit = manager.limit({ name: 'slots', concurrency: 1 });
      await task.send(2 * leaseMs);
      await until({ succeeded: 2 }, 20_000);
      assert.equal(most, 1);
    }, 40_000);
  },
};

function leaseOf(bench: TestBench): number {
  return Math.max(bench.leaseMs, SHORTEST_LEASE_MS);
}

function blockFor(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
