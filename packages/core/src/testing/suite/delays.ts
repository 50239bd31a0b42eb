import assert from 'node:assert/strict';
import { ack, release } from './bench.ts';
import type { Group } from './group.ts';

const DAY_MS = 86_400_000;

export const delays: Group = {
  name: 'delays',
  cases(it) {
    for (const delayMs of [1, 40, 300]) {
      it(`delivers a message delayed by ${delayMs} ms not early, and at most as late as it declares`, async (bench) => {
        const { maxDelayMs, delayResolutionMs } = bench.broker.capabilities;
        bench.needs(maxDelayMs > 0, 'the broker cannot delay');
        const subscription = await bench.subscribe();
        const startedAt = bench.clock.monotonic();
        await bench.publish(1, { notBefore: bench.clock.now() + delayMs });
        await bench.takeOne(subscription, delayMs + delayResolutionMs);
        const waited = bench.clock.monotonic() - startedAt;
        assert(waited >= delayMs - 1, `delivered after ${waited} ms`);
      });
    }

    it('delivers a delayed message with the time at which it was due, also after a release', async (bench) => {
      const { maxDelayMs, delayResolutionMs } = bench.broker.capabilities;
      bench.needs(maxDelayMs > 0, 'the broker cannot delay');
      const notBefore = bench.clock.now() + 50;
      await bench.publish(1, { notBefore });
      const subscription = await bench.subscribe();
      for (let time = 0; time < 2; time++) {
        const delivery = await bench.takeOne(subscription, 50 + delayResolutionMs);
        assert.equal(delivery.dueAt ?? delivery.envelope.notBefore, notBefore);
        await bench.settle(subscription, release(delivery));
      }
    });

    it('lets short delays pass long ones', async (bench) => {
      const { maxDelayMs, delayResolutionMs } = bench.broker.capabilities;
      bench.needs(maxDelayMs > 0, 'the broker cannot delay');
      await bench.publish(3, { notBefore: bench.clock.now() + 60_000 });
      const [short] = await bench.publish(1, { notBefore: bench.clock.now() + 50 });
      const delivery = await bench.takeOne(await bench.subscribe(), 50 + delayResolutionMs);
      assert.equal(delivery.envelope.id, short);
    });

    it('keeps a message for 30 days, or for its declared maximum, and reports the remaining time', async (bench) => {
      const { maxDelayMs } = bench.broker.capabilities;
      bench.needs(maxDelayMs > 0, 'the broker cannot delay');
      const keptMs = Math.min(30 * DAY_MS, maxDelayMs);
      const [id] = await bench.publish(1, { notBefore: bench.clock.now() + 30 * DAY_MS });
      const subscription = await bench.subscribe();
      await bench.nothing(subscription, 30);
      if (!bench.isVirtual) return;
      await bench.pass(keptMs - 1_000);
      await bench.nothing(subscription);
      await bench.pass(1_001);
      const { envelope, remainingDelayMs = 0 } = await bench.takeOne(subscription);
      assert.equal(envelope.id, id);
      const leftMs = 30 * DAY_MS - keptMs;
      assert(
        remainingDelayMs <= leftMs && remainingDelayMs >= leftMs - 1_000,
        `${remainingDelayMs} ms are reported as remaining`,
      );
    });

    it('delivers a message immediately if its time has passed', async (bench) => {
      await bench.publish(1, { notBefore: bench.clock.now() - 5_000 });
      await bench.takeOne(await bench.subscribe());
    });

    it('delivers 300 messages that become due within a second, each on time and none early', async (bench) => {
      const { maxDelayMs, delayResolutionMs } = bench.broker.capabilities;
      bench.needs(maxDelayMs > 0, 'the broker cannot delay');
      const subscription = await bench.subscribe(bench.queue, { prefetch: 300 });
      const startedAt = bench.clock.now();
      const dueAt = Array.from({ length: 300 }, (_, index) => startedAt + 300 + index * 3);
      await bench.broker.publish(
        dueAt.map((notBefore) => bench.envelope({ notBefore, headers: { due: String(notBefore) } })),
      );
      const lateness: number[] = [];
      await bench.until(
        async () => {
          const deliveries = await bench.now(subscription, 300);
          const now = bench.clock.now();
          lateness.push(...deliveries.map(({ envelope }) => now - Number(envelope.headers.due)));
          if (deliveries.length > 0) await bench.settle(subscription, ...deliveries.map(ack));
          return lateness.length === 300;
        },
        1_300 + delayResolutionMs,
        () => `${lateness.length} of 300 were delivered`,
      );
      assert(Math.min(...lateness) >= -1, `one came ${-Math.min(...lateness)} ms early`);
    }, 15_000);
  },
};
