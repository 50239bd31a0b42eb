import assert from 'node:assert/strict';
import type { Called, LimitDemand, LimitStore, PermitRequest } from '../../broker/limit-store.ts';
import type { TestBench } from './bench.ts';
import type { Group } from './group.ts';
import { again, ask, free, permitsOf, rate, request, slots } from './limit-requests.ts';

const INTERVAL_MS = 300;

/** Names the messages of one key whose turn it is. */
async function call(
  store: LimitStore,
  demand: LimitDemand,
  gone?: readonly PermitRequest[],
): Promise<{ readonly next: readonly string[]; readonly againMs: number | undefined }> {
  const { next, againMs }: Called = await store.call([{ ...demand, gone }]);
  assert.equal(againMs.length, 1);
  return { next: next.map(({ id }) => id), againMs: againMs[0] };
}

/** Calls until messages are named, when the answers say. */
async function nextOf(bench: TestBench, store: LimitStore, demand: LimitDemand): Promise<readonly string[]> {
  for (let calls = 0; calls < 10; calls++) {
    const { next, againMs } = await call(store, demand);
    if (next.length > 0) return next;
    assert(againMs !== undefined, 'no call is due, but messages wait');
    assert(againMs > 0 && againMs < 10_000, `the next call is due after ${againMs} ms`);
    await bench.pass(againMs);
  }
  return [];
}

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

    it('names as many as may start at once after a quiet time', async (bench) => {
      const store = bench.part('limits');
      const demand = rate(INTERVAL_MS, 3);
      await ask(store, [request(demand), request(demand)]);
      const waiting = await line(store, demand, 5);
      await bench.pass(3 * INTERVAL_MS);
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
      assert.deepEqual(await call(store, counted, [gone]), { next: [next.id], againMs: undefined });
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
      await bench.pass(INTERVAL_MS);
      const { next, againMs } = await store.call([counted, timed, idle, unknown]);
      assert.deepEqual(next, [{ queue: 'q', id: first.id }]);
      assert.deepEqual(
        againMs.map((ms) => ms !== undefined),
        [false, true, false, false],
      );
      assert.deepEqual(await store.call([]), { next: [], againMs: [] });
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
