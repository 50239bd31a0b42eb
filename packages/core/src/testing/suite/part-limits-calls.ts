import assert from 'node:assert/strict';
import type { LimitDemand, LimitStore, PermitRequest } from '../../broker/limit-store.ts';
import type { Group } from './group.ts';
import { again, ask, free, permitsOf, rate, request, slots } from './limit-requests.ts';
import { call, nextOf } from './next-of.ts';

const INTERVAL_MS = 300;

/** The first message starts, the others wait. */
async function line(store: LimitStore, demand: LimitDemand, count: number): Promise<readonly PermitRequest[]> {
  const [first, ...waiting] = Array.from({ length: count + 1 }, () => request(demand));
  const [startsMs, ...waits] = await ask(store, [first as PermitRequest, ...waiting]);
  assert.equal(startsMs, 0);
  assert(waits.every((waitMs) => waitMs > 0));
  return waiting;
}

export const limitCalls: Group = {
  name: 'part limits: calls',
  cases(it) {
    it('names one message for each start that is due, in the order of their first requests', async (bench) => {
      const store = bench.part('limits');
      const demand = rate(INTERVAL_MS, 1);
      const waiting = await line(store, demand, 3);
      assert.deepEqual((await call(store, demand)).next, [], 'no start is due yet');
      for (const each of waiting) {
        assert.deepEqual(await nextOf(bench, store, demand), [each.id]);
        assert.deepEqual(await ask(store, [again(each)]), [0]);
      }
      assert.deepEqual(await call(store, demand), { next: [], againMs: undefined });
    });

    it('gives an early call the time of the next start, and one that comes after another call a later time', async (bench) => {
      const store = bench.part('limits');
      const demand = rate(60_000, 1);
      await line(store, demand, 2);
      const { againMs } = await store.call([demand, { ...demand, isEarly: true }]);
      const [later = 0, early = 0] = againMs;
      assert(early > 55_000 && early <= 60_000, `an early call is to be followed by one after ${early} ms`);
      assert(later > early, 'the one that was faster calls again before');
    });

    it('names as many as may start at once after a quiet time', async (bench) => {
      const store = bench.part('limits');
      const demand = rate(INTERVAL_MS, 3);
      await ask(store, [request(demand), request(demand)]);
      const waiting = await line(store, demand, 5);
      await bench.pass(3.5 * INTERVAL_MS);
      const { next } = await call(store, demand);
      const expected = waiting.slice(0, 3).map(({ id }) => id);
      assert.deepEqual(next, expected);
      const named = waiting.slice(0, 3).map(again);
      assert.deepEqual(await ask(store, named), [0, 0, 0]);
    });

    it('names a message once, to one of many callers', async (bench) => {
      const store = bench.part('limits');
      const other = bench.isShared ? bench.part('limits', await bench.openAnother()) : store;
      const demand = rate(INTERVAL_MS, 1);
      const [first] = await line(store, demand, 5);
      await bench.pass(1.5 * INTERVAL_MS);
      const callers = Array.from({ length: 6 }, (_, index) => call(index % 2 === 0 ? store : other, demand));
      const named = (await Promise.all(callers)).flatMap(({ next }) => next);
      assert.deepEqual(named, [first?.id]);
    });

    it('keeps the start of a message that was called from new ones', async (bench) => {
      const store = bench.part('limits');
      const demand = rate(INTERVAL_MS, 1);
      const [first] = (await line(store, demand, 1)) as [PermitRequest];
      assert.deepEqual(await nextOf(bench, store, demand), [first.id]);
      assert.notEqual((await ask(store, [request(demand)]))[0], 0, 'a new message overtakes the one that was called');
      assert.deepEqual(await ask(store, [again(first)]), [0]);
    });

    it('calls a message again before all others that was called and did not get its start', async (bench) => {
      const store = bench.part('limits');
      const demand = rate(INTERVAL_MS, 1);
      const [first, second, third] = (await line(store, demand, 3)) as [PermitRequest, PermitRequest, PermitRequest];
      assert.deepEqual(await nextOf(bench, store, demand), [first.id]);
      assert.deepEqual(await ask(store, [again(third)]), [0], 'a message in line may take a start that is due');
      assert.notEqual((await ask(store, [again(first)]))[0], 0);
      assert.deepEqual(await nextOf(bench, store, demand), [first.id]);
      assert.deepEqual(await ask(store, [again(first)]), [0]);
      assert.deepEqual(await nextOf(bench, store, demand), [second.id]);
    });

    it('goes on with the next message if one that was called never returns', async (bench) => {
      const store = bench.part('limits');
      const demand = rate(INTERVAL_MS, 1);
      const [first, second] = (await line(store, demand, 2)) as [PermitRequest, PermitRequest];
      assert.deepEqual(await nextOf(bench, store, demand), [first.id]);
      assert.deepEqual(await nextOf(bench, store, demand), [second.id]);
      assert.deepEqual(await ask(store, [again(second)]), [0]);
    });

    it('names the next messages in place of those that are gone, for rates and slots', async (bench) => {
      const store = bench.part('limits');
      const timed = rate(INTERVAL_MS, 1);
      const [first, second, third] = (await line(store, timed, 3)) as [PermitRequest, PermitRequest, PermitRequest];
      assert.deepEqual(await nextOf(bench, store, timed), [first.id]);
      assert.deepEqual((await call(store, timed, [first, second])).next, [third.id], 'one was called, one waits');
      assert.deepEqual(await call(store, timed, [first, second]), { next: [], againMs: undefined });

      const counted = slots(1);
      const holder = request(counted);
      const [gone, next] = [request(counted), request(counted)];
      await ask(store, [holder, gone, next]);
      assert.deepEqual(await free(store, holder), [gone.id]);
      const named = await call(store, counted, [gone]);
      assert.deepEqual(named.next, [next.id]);
      assert((named.againMs ?? 0) >= 1_000, 'the message that was named may not return');
      assert.deepEqual(await ask(store, [again(next)]), [0]);
    });

    it('names no message while the clock of the key stands still', async (bench) => {
      const store = bench.part('limits');
      const demand = rate(50, 1);
      const [first] = (await line(store, demand, 1)) as [PermitRequest];
      await store.hold(demand.limit, demand.key, 1_000);
      await bench.pass(100);
      const { next, againMs = 0 } = await call(store, demand);
      assert.deepEqual(next, []);
      assert(againMs > 300 && againMs <= 1_050, `the next call is due after ${againMs} ms`);
      await bench.pass(againMs);
      assert.deepEqual(await nextOf(bench, store, demand), [first.id]);
    });

    it('starts no more than the rate allows when called messages come late and together', async (bench) => {
      const store = bench.part('limits');
      const demand = rate(INTERVAL_MS, 2);
      await ask(store, [request(demand)]);
      const waiting = await line(store, demand, 6);
      const named: string[] = [];
      while (named.length < 4) named.push(...(await nextOf(bench, store, demand)));
      await bench.pass(2 * INTERVAL_MS);
      const waits = await ask(store, waiting.map(again));
      assert(waits.filter((waitMs) => waitMs === 0).length <= 2, `${waits}`);
    });

    it('answers for each line: several keys, unknown ones, and one for which no message waits', async (bench) => {
      const store = bench.part('limits');
      const [timed, idle, unknown, counted] = [rate(INTERVAL_MS, 1), rate(INTERVAL_MS, 1), rate(1, 1), slots(1)];
      const [first] = (await line(store, timed, 2)) as [PermitRequest];
      await ask(store, [request(idle)]);
      await bench.pass(1.5 * INTERVAL_MS);
      const { next, againMs } = await store.call([counted, timed, idle, unknown]);
      assert.deepEqual(next, [{ queue: 'q', id: first.id }]);
      assert.deepEqual(
        againMs.map((ms) => ms !== undefined),
        [false, true, false, false],
      );
      assert.deepEqual(await store.call([]), { next: [], againMs: [] });
    });

    it('lists the keys for which messages wait, and those whose workers do not call them', async (bench) => {
      const store = bench.part('limits');
      const [timed, counted, idle] = [rate(INTERVAL_MS, 1, 'a b'), slots(1), rate(INTERVAL_MS, 1)];
      await line(store, timed, 2);
      await ask(store, [request(counted), request(counted), request(idle)]);
      const names = [timed, counted].map(({ limit, key }) => ({ limit, key }));
      const mine = async (which: 'all' | 'overdue') =>
        (await store.waiting(which)).filter(({ limit }) => [timed, counted, idle].some((each) => each.limit === limit));
      await bench.until(
        async () => (await mine('all')).length === 2,
        5_000,
        () => 'the keys are not listed',
      );
      assert.deepEqual(new Set(await mine('all')), new Set(names));
      if (!bench.isShared) return;
      await bench.until(
        async () => (await mine('overdue')).length === 1,
        6_000,
        () => 'the key is not overdue',
      );
      assert.deepEqual(await mine('overdue'), names.slice(0, 1));
      while ((await call(store, timed)).againMs !== undefined) await bench.pass(INTERVAL_MS);
      await bench.until(
        async () => (await mine('all')).length === 1,
        5_000,
        () => 'the key is still listed',
      );
      assert.deepEqual(await mine('all'), names.slice(1));
    }, 20_000);

    it('gives the start of a message to the next one if a slot refuses it', async (bench) => {
      const store = bench.part('limits');
      const [counted, timed] = [slots(1), rate(INTERVAL_MS, 1)];
      const demands = [counted, timed];
      await ask(store, [request(timed)]);
      const [first, second] = [request(demands), request(demands)];
      const third = request(timed);
      const waits = await ask(store, [first, second, third]);
      assert(
        waits.every((waitMs) => waitMs > 0),
        'all wait for the rate',
      );
      assert.deepEqual(await nextOf(bench, store, timed), [first.id]);
      const started = again(first);
      assert.deepEqual(await ask(store, [started]), [0]);
      assert.deepEqual(await nextOf(bench, store, timed), [second.id]);
      assert.notEqual((await ask(store, [again(second)]))[0], 0, 'the slot is taken');
      assert.deepEqual((await call(store, timed)).next, [third.id], 'the start is due, and goes to the next message');
      assert.deepEqual(await ask(store, [again(third)]), [0]);
      const fourth = request(timed);
      await ask(store, [fourth]);
      await store.release(permitsOf(started), { promotes: true });
      await bench.pass(1.5 * INTERVAL_MS);
      assert.deepEqual(await ask(store, [again(second)]), [0], 'it has kept its place before newer messages');
    });

    it('gives the start of a message to the next one if another rate refuses it', async (bench) => {
      const store = bench.part('limits');
      const [shared, own] = [rate(INTERVAL_MS, 1), rate(3_600_000, 1)];
      await ask(store, [request(shared), request(own)]);
      for (const demands of [
        [shared, own],
        [own, shared],
      ]) {
        const [first, second] = [request(demands), request(shared)];
        await ask(store, [{ ...first, demands: [shared] }, second]);
        assert.deepEqual(await nextOf(bench, store, shared), [first.id]);
        assert.notEqual((await ask(store, [again(first)]))[0], 0, 'its own rate has no start');
        assert.deepEqual((await call(store, shared)).next, [second.id]);
        assert.deepEqual(await ask(store, [again(second)]), [0]);
      }
    });

    it('names messages that wait by a rule of another kind, and starts by a faster one at once', async (bench) => {
      const store = bench.part('limits');
      const counted = slots(1);
      await ask(store, [request(counted)]);
      const waiting = [request(counted), request(counted)];
      await ask(store, waiting);
      const timed: LimitDemand = { ...counted, rule: { kind: 'rate', intervalMs: 3_600_000, burst: 1 } };
      const ids = waiting.map(({ id }) => id);
      assert.deepEqual(
        (await store.call([{ ...timed, isNewRule: true }])).next.map(({ id }) => id),
        ids,
      );
      const slow = waiting.map((each) => ({ ...again(each), demands: [timed] }));
      const waits = await ask(store, slow);
      assert.equal(waits[0], 0);
      assert((waits[1] as number) > 3_000_000);
      const faster: LimitDemand = { ...timed, rule: { kind: 'rate', intervalMs: 20, burst: 1 } };
      assert.deepEqual((await call(store, faster)).next, [], 'the start by the slow rate is charged');
      const { againMs } = await store.call([{ ...faster, isNewRule: true }]);
      assert((againMs[0] as number) <= 200, `the next call is due after ${againMs[0]} ms`);
      assert.deepEqual(await nextOf(bench, store, faster), ids.slice(1));
    });

    it('charges a start to the rate if a slot refuses the message after it was called only when it starts', async (bench) => {
      const store = bench.part('limits');
      const [counted, timed] = [slots(1), rate(INTERVAL_MS, 1)];
      const holder = request(counted);
      await ask(store, [holder]);
      const both = request([counted, timed]);
      assert.notEqual((await ask(store, [both]))[0], 0);
      assert.deepEqual(await ask(store, [request(timed)]), [0], 'the message that waits for a slot holds no start');
      await store.release(permitsOf(holder), { promotes: true });
      await bench.pass(1.5 * INTERVAL_MS);
      assert.deepEqual(await ask(store, [again(both)]), [0]);
    });
  },
};
