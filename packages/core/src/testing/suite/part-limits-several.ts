import assert from 'node:assert/strict';
import type { LimitDemand, LimitStore, PermitRequest } from '../../broker/limit-store.ts';
import { KEEP_SLOTS_MS } from '../../broker/limit-waits.ts';
import type { TestBench } from './bench.ts';
import type { Group } from './group.ts';
import { again, ask, free, heldOf, LEASE_MS, rate, request, slots } from './limit-requests.ts';
import { nextOf } from './next-of.ts';

const INTERVAL_MS = 300;

/** A message that was called for a start of the rate, which another one took before it came back. */
async function overtaken(
  bench: TestBench,
  store: LimitStore,
  counted: readonly LimitDemand[],
  timed: LimitDemand,
): Promise<PermitRequest> {
  const [late, rival] = [request([...counted, timed]), request(timed)];
  await ask(store, [request(timed), late, rival]);
  assert.deepEqual(await nextOf(bench, store, timed), [late.id]);
  assert.deepEqual(await ask(store, [again(rival)]), [0], 'a message in line may take a start that is due');
  return late;
}

export const severalLimits: Group = {
  name: 'part limits: several limits of a message',
  cases(it) {
    it('names the limit and the key that refused', async (bench) => {
      const store = bench.part('limits');
      const demands = ['a', 'b'].map((key) => ({ ...rate(3_600_000, 1, key), limit: 'account' }));
      await ask(store, [request(demands.slice(1))]);
      const { refusals } = await store.acquire([request(demands)], { leaseMs: LEASE_MS, promotes: true });
      assert.deepEqual(
        refusals.map((refusal) => refusal && [refusal.limit, refusal.key]),
        [['account', 'b']],
      );
    });

    it('lets a message that goes to the line of another slot hold up none in the line that it leaves', async (bench) => {
      const store = bench.part('limits');
      const [first, second] = [slots(1), slots(1)];
      const [holder, both, behind] = [request(second), request([first, second]), request(second)];
      const waits = await ask(store, [holder, both, behind]);
      assert(waits[0] === 0 && waits.slice(1).every((waitMs) => waitMs > 0));
      const other = request(first);
      assert.deepEqual(await ask(store, [other]), [0]);
      assert.deepEqual(await free(store, holder), [both.id]);
      const { refusals, next } = await store.acquire([again(both)], { leaseMs: LEASE_MS, promotes: true });
      assert.equal(refusals[0]?.limit, first.limit);
      assert.deepEqual(
        next.map(({ id }) => id),
        [behind.id],
      );
      assert.deepEqual(await ask(store, [again(behind)]), [0]);
    });

    it('keeps the order of first requests when a message goes from line to line', async (bench) => {
      const store = bench.part('limits');
      const [first, second] = [slots(1), slots(1)];
      const [holder, other] = [request(second), request(first)];
      const both = request([first, second]);
      await ask(store, [holder]);
      assert.notEqual((await ask(store, [both]))[0], 0);
      await ask(store, [other]);
      const younger = request(first);
      assert.notEqual((await ask(store, [younger]))[0], 0);
      assert.deepEqual(await free(store, holder), [both.id]);
      assert.notEqual((await ask(store, [again(both)]))[0], 0, 'the first slot is taken');
      assert.deepEqual(await free(store, other), [both.id], 'it asked first');
      assert.notEqual((await ask(store, [again(younger)]))[0], 0);
      assert.deepEqual(await ask(store, [again(both)]), [0]);
    });

    it('keeps the slots of a message that was called for a start and must wait for the next one', async (bench) => {
      const store = bench.part('limits');
      const [counted, timed] = [slots(1), rate(INTERVAL_MS, 1)];
      const both = await overtaken(bench, store, [counted], timed);
      const [waitMs] = (await ask(store, [again(both)])) as [number];
      assert(waitMs > 0 && waitMs <= KEEP_SLOTS_MS);
      const third = request(counted);
      assert.notEqual((await ask(store, [third]))[0], 0, 'the slot is kept');
      assert.equal(await heldOf(store, counted), 1);
      assert.deepEqual(await nextOf(bench, store, timed), [both.id]);
      const started = again(both);
      assert.deepEqual(await ask(store, [started]), [0]);
      assert.equal(await heldOf(store, counted), 1, 'it has one slot');
      assert.deepEqual(await free(store, started), [third.id]);
    });

    it('frees a slot that it kept for a message that does not return', async (bench) => {
      const store = bench.part('limits');
      const [counted, timed] = [slots(1), rate(INTERVAL_MS, 1)];
      const both = await overtaken(bench, store, [counted], timed);
      await ask(store, [again(both)]);
      const waiting = request(counted);
      await bench.until(
        async () => (await ask(store, [again(waiting)]))[0] === 0,
        9_000,
        () => 'the slot is still kept',
      );
    }, 20_000);

    it('frees the slots that it kept if an earlier limit refuses the message', async (bench) => {
      const store = bench.part('limits');
      const [wide, narrow, timed] = [slots(2), slots(1), rate(INTERVAL_MS, 1)];
      const both = await overtaken(bench, store, [wide, narrow], timed);
      await ask(store, [again(both)]);
      assert.deepEqual([await heldOf(store, wide), await heldOf(store, narrow)], [1, 1]);
      await store.hold(wide.limit, wide.key, 60_000);
      assert.notEqual((await ask(store, [again(both)]))[0], 0);
      assert.deepEqual([await heldOf(store, wide), await heldOf(store, narrow)], [0, 0]);
      assert.deepEqual(await ask(store, [request(narrow)]), [0]);
    });

    it('keeps no slot for a message whose start is far away', async (bench) => {
      const store = bench.part('limits');
      const [counted, timed] = [slots(1), rate(INTERVAL_MS, 1)];
      const both = await overtaken(bench, store, [counted], timed);
      await store.hold(timed.limit, timed.key, 60_000);
      assert.notEqual((await ask(store, [again(both)]))[0], 0);
      assert.deepEqual(await ask(store, [request(counted)]), [0]);
    });

    it('keeps the start of a message that another rate lets start before the next one', async (bench) => {
      const store = bench.part('limits');
      const [slow, quick] = [rate(2 * INTERVAL_MS, 1), rate(INTERVAL_MS, 1)];
      for (const demands of [
        [slow, quick],
        [quick, slow],
      ]) {
        const [both, behind] = [request(demands), request(slow)] as [PermitRequest, PermitRequest];
        await ask(store, [request(slow), { ...both, demands: [slow] }, behind]);
        assert.deepEqual(await nextOf(bench, store, slow), [both.id]);
        await bench.until(
          async () => (await ask(store, [request(quick)]))[0] === 0,
          5_000,
          () => 'no start is due',
        );
        const [waitMs] = (await ask(store, [again(both)])) as [number];
        assert(waitMs > 0 && waitMs <= 2 * INTERVAL_MS, `wait of ${waitMs} ms`);
        const { next } = await store.call([slow]);
        assert.deepEqual(next, [], 'the start stays that of the first message');
        while ((await ask(store, [again(both)]))[0] !== 0) await bench.pass(INTERVAL_MS / 4);
        await store.call([{ ...slow, gone: [{ queue: behind.queue, id: behind.id }] }]);
        await bench.pass(3 * INTERVAL_MS);
      }
    }, 20_000);
  },
};
