import assert from 'node:assert/strict';
import type { LimitDemand, LimitStore, PermitRequest } from '../../broker/limit-store.ts';
import type { TestBench } from './bench.ts';
import type { Group } from './group.ts';
import { again, ask, rate, request } from './limit-requests.ts';

/** Asks again and again, as often as it is refused. @returns when each start happened, by the clock of the bench */
async function startAll(bench: TestBench, store: LimitStore, requests: readonly PermitRequest[]): Promise<number[]> {
  const starts: number[] = [];
  let waiting = requests.map((each) => ({ each, at: 0 }));
  while (waiting.length > 0) {
    const now = bench.clock.monotonic();
    const due = waiting.filter(({ at }) => at <= now);
    const waits = await ask(
      store,
      due.map(({ each }) => each),
    );
    const after = bench.clock.monotonic();
    const refused = due.flatMap(({ each }, index) => {
      const waitMs = waits[index] as number;
      if (waitMs > 0) return [{ each: again(each), at: after + waitMs }];
      starts.push(after);
      return [];
    });
    waiting = [...waiting.filter(({ at }) => at > now), ...refused];
    if (waiting.length === 0) break;
    const next = Math.min(...waiting.map(({ at }) => at));
    await bench.pass(Math.max(0.001, next - bench.clock.monotonic()));
  }
  return starts.sort((one, other) => one - other);
}

/** The most starts above `t / intervalMs + burst` in any window. */
function excess(starts: readonly number[], intervalMs: number, burst: number, slackMs = 0): number {
  let worst = 0;
  for (let from = 0; from < starts.length; from++) {
    for (let to = from; to < starts.length; to++) {
      const t = (starts[to] as number) - (starts[from] as number) + slackMs;
      worst = Math.max(worst, to - from + 1 - (t / intervalMs + burst));
    }
  }
  return worst;
}

export const limitRates: Group = {
  name: 'part limits: rates',
  cases(it) {
    it('starts a burst at once, then one message an interval, each at its own time', async (bench) => {
      const store = bench.part('limits');
      const demand = rate(1_000, 3);
      const waits = await ask(
        store,
        Array.from({ length: 6 }, () => request(demand)),
      );
      assert.deepEqual(waits.slice(0, 3), [0, 0, 0]);
      for (const [index, expected] of [1_000, 2_000, 3_000].entries()) {
        const waitMs = waits[3 + index] as number;
        assert(waitMs <= expected + 1 && waitMs > expected - 900, `wait ${index} is ${waitMs} ms`);
      }
    });

    it('never starts more than t / interval + burst messages in any window of t', async (bench) => {
      const store = bench.part('limits');
      const plans = bench.isVirtual
        ? Array.from({ length: 60 }, (_, seed) => seed)
        : Array.from({ length: 3 }, (_, seed) => seed);
      for (const seed of plans) {
        const random = randomFrom(seed + 1);
        const intervalMs = bench.isVirtual ? 0.3 + random() * 50 : 10 + random() * 20;
        const burst = 1 + Math.floor(random() * 8);
        const demand = rate(intervalMs, burst);
        const starts: number[] = [];
        for (let wave = 0; wave < 3; wave++) {
          const requests = Array.from({ length: 5 + Math.floor(random() * 20) }, () => request(demand));
          starts.push(...(await startAll(bench, store, requests)));
          // Some messages get a time and come late, together: they must not start together.
          const late = Array.from({ length: 10 }, () => request(demand));
          const waits = await ask(store, late);
          const now = bench.clock.monotonic();
          starts.push(...waits.filter((waitMs) => waitMs === 0).map(() => now));
          await bench.pass(random() * 15 * intervalMs);
          const refused = late.filter((_, index) => waits[index] !== 0);
          starts.push(...(await startAll(bench, store, refused.map(again))));
        }
        // In real time the test reads its clock after the answer, at most some milliseconds after the server.
        const over = excess(starts, intervalMs, burst, bench.isVirtual ? 0.01 : 50);
        assert(over < 0.001, `seed ${seed}: ${over} above ${1_000 / intervalMs} a second with burst ${burst}`);
      }
    }, 30_000);

    it('uses the whole rate when refused messages return in time', async (bench) => {
      bench.needs(bench.isVirtual, 'a busy machine is late in real time');
      const store = bench.part('limits');
      const demand = rate(100, 1);
      const before = bench.clock.monotonic();
      const starts = await startAll(
        bench,
        store,
        Array.from({ length: 50 }, () => request(demand)),
      );
      const lastMs = (starts.at(-1) as number) - before;
      assert(Math.abs(lastMs - 4_900) < 1, `the last of 50 started after ${lastMs} ms`);
    });

    it('gives a new message a time behind all that wait, also after a time in which none started', async (bench) => {
      const store = bench.part('limits');
      const demand = rate(200, 2);
      const waiting = Array.from({ length: 40 }, () => request(demand));
      const waits = await ask(store, waiting);
      const second = waiting[waits.findIndex((waitMs) => waitMs > 0)] as PermitRequest;
      // All that become due are late.
      await bench.pass(2_000);
      assert.deepEqual(await ask(store, [again(second)]), [0]);
      // It and two others have started. The others need 200 ms each.
      const [waitMs = 0] = await ask(store, [request(demand)]);
      assert(Math.abs(waitMs - 36 * 200) < 900, `the wait behind 37 messages is ${waitMs} ms`);
    });

    it('stops the clock of a key, and moves every time by the stop', async (bench) => {
      const store = bench.part('limits');
      const demand = rate(1_000, 1);
      const other = { ...demand, key: 'other' };
      const [, waiting] = [request(demand), request(demand)];
      await ask(store, [request(demand)]);
      const [beforeMs] = await ask(store, [waiting]);
      await store.hold(demand.limit, demand.key, 60_000);
      const [stoppedMs] = await ask(store, [again(waiting)]);
      assert(Math.abs((stoppedMs as number) - (beforeMs as number) - 60_000) < 900, `${beforeMs} ms, ${stoppedMs} ms`);
      assert.deepEqual(await ask(store, [request(other)]), [0], 'other keys go on');
      await store.hold(demand.limit, demand.key, 1_000);
      const [usage] = (await store.usage()).filter(({ limit, key }) => limit === demand.limit && key === demand.key);
      assert((usage?.pausedMs ?? 0) > 30_000, 'a shorter stop does not end the longer one');
      if (!bench.isVirtual) return;
      await bench.pass(60_000);
      assert.notEqual((await ask(store, [again(waiting)]))[0], 0);
      await bench.pass(1_000);
      assert.deepEqual(await ask(store, [again(waiting)]), [0]);
    });

    it('takes planned times away, so that a new rate applies to messages that wait', async (bench) => {
      const store = bench.part('limits');
      const slow = rate(3_600_000, 1);
      const waiting = [request(slow), request(slow), request(slow)];
      await ask(store, [request(slow), ...waiting]);
      const fast: LimitDemand = { ...slow, rule: { kind: 'rate', intervalMs: 10, burst: 2 } };
      let taken = await store.reschedule(slow.limit, fast.rule);
      await bench.until(
        async () => {
          if (taken.length === 0) taken = await store.reschedule(slow.limit, fast.rule);
          return taken.length > 0;
        },
        2_000,
        () => 'no message was found',
      );
      assert.deepEqual(taken.map(({ id }) => id).sort(), waiting.map(({ id }) => id).sort());
      assert.deepEqual(await store.reschedule(slow.limit), []);
      const waits = await ask(
        store,
        waiting.map((each) => ({ ...again(each), demands: [fast] })),
      );
      for (const waitMs of waits) assert(waitMs <= 60, `wait of ${waitMs} ms`);
    });
  },
};

/** A small generator of numbers from 0 to 1 (mulberry32): the same for a seed on every machine. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
