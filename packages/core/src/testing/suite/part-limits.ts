import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { LimitDemand, LimitStore, PermitRequest } from '../../broker/limit-store.ts';
import type { Group } from './group.ts';
import type { TestBench } from './bench.ts';

const LEASE_MS = 60_000;

let numbers = 0;

/** A request of a new message under a new token. */
function request(demands: LimitDemand | readonly LimitDemand[], given: Partial<PermitRequest> = {}): PermitRequest {
  const number = ++numbers;
  return {
    token: `t-${number}`,
    queue: 'q',
    id: `m-${number}`,
    demands: Array.isArray(demands) ? demands : [demands as LimitDemand],
    ...given,
  };
}

/** The next hand-over of a message that was refused. */
function again(before: PermitRequest): PermitRequest {
  return { ...before, token: `t-${++numbers}` };
}

function slots(count: number, key = ''): LimitDemand {
  return { limit: `slots-${randomUUID()}`, key, rule: { kind: 'concurrency', slots: count } };
}

function rate(intervalMs: number, burst: number, key = ''): LimitDemand {
  return { limit: `rate-${randomUUID()}`, key, rule: { kind: 'rate', intervalMs, burst } };
}

/** @returns for each request how long to wait; 0 if it was granted */
async function ask(store: LimitStore, requests: readonly PermitRequest[], leaseMs = LEASE_MS): Promise<number[]> {
  const { refusals } = await store.acquire(requests, { leaseMs, promotes: true });
  assert.equal(refusals.length, requests.length);
  for (const refusal of refusals) assert(refusal === undefined || refusal.waitMs > 0, 'a wait must be above 0');
  return refusals.map((refusal) => refusal?.waitMs ?? 0);
}

async function free(store: LimitStore, { demands, token }: PermitRequest, ranMs = 0): Promise<readonly string[]> {
  const permits = demands.flatMap(({ limit, key, rule }) =>
    rule.kind === 'concurrency' ? [{ limit, key, token, slots: rule.slots, ranMs }] : [],
  );
  return (await store.release(permits, { promotes: true })).map(({ id }) => id);
}

async function heldOf(store: LimitStore, { limit, key }: LimitDemand): Promise<number | undefined> {
  return (await store.usage()).find((each) => each.limit === limit && each.key === key)?.held;
}

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

export const limits: Group = {
  name: 'part limits',
  cases(it) {
    it('never grants a fourth of 3 slots to 20 takers in two processes', async (bench) => {
      const store = bench.part('limits');
      const other = bench.isShared ? bench.part('limits', await bench.openAnother()) : store;
      const demand = slots(3);
      let running = 0;
      let done = 0;
      const take = async (number: number) => {
        const mine = number % 2 === 0 ? store : other;
        for (let waiting = request(demand); ; waiting = again(waiting)) {
          const [waitMs] = await ask(mine, [waiting]);
          if (waitMs !== 0) {
            await bench.pass(2);
            continue;
          }
          running++;
          assert(running <= 3, `${running} run at the same time`);
          await bench.pass(3);
          running--;
          done++;
          await free(mine, waiting, 3);
          return;
        }
      };
      await Promise.all(Array.from({ length: 20 }, (_, number) => take(number)));
      assert.equal(done, 20);
      assert.equal(await heldOf(store, demand), 0);
    }, 20_000);

    it('counts each key and each limit by itself', async (bench) => {
      const store = bench.part('limits');
      const one = slots(1, 'a');
      const keys = ['__proto__', 'constructor', '{a}', '}:{', 'ä 🔨', ' ', 'x'.repeat(200)];
      assert.deepEqual(await ask(store, [request(one)]), [0]);
      const others = [slots(1, 'a'), ...keys.map((key) => ({ ...one, key }))];
      assert.deepEqual(
        await ask(
          store,
          others.map((demand) => request(demand)),
        ),
        others.map(() => 0),
      );
      for (const demand of others) assert.notEqual((await ask(store, [request(demand)]))[0], 0, demand.key);
    });

    it('takes no second permit for the same token, and frees it once', async (bench) => {
      const store = bench.part('limits');
      const demand = slots(2);
      const first = request(demand);
      assert.deepEqual(await ask(store, [first]), [0]);
      assert.deepEqual(await ask(store, [first]), [0], 'the repeat of a call whose answer was lost');
      assert.equal(await heldOf(store, demand), 1);
      const second = request(demand);
      assert.deepEqual(await ask(store, [second]), [0]);
      assert.deepEqual(await ask(store, [first]), [0], 'while all slots are taken');
      await free(store, first);
      await free(store, first);
      assert.equal(await heldOf(store, demand), 1);
    });

    it('frees nothing for the token of an earlier hand-over', async (bench) => {
      const store = bench.part('limits');
      const demand = slots(1);
      const before = request(demand);
      await ask(store, [before]);
      await free(store, before);
      const now = again(before);
      assert.deepEqual(await ask(store, [now]), [0]);
      assert.deepEqual(await free(store, before), [], 'a late release of the same message');
      assert.equal(await heldOf(store, demand), 1);
      assert.notEqual((await ask(store, [request(demand)]))[0], 0);
    });

    it('ends a permit that is not renewed within its lease', async (bench) => {
      const store = bench.part('limits');
      const demand = slots(1);
      const kept = request(demand);
      await ask(store, [kept], 400);
      for (let round = 0; round < 4; round++) {
        await bench.pass(150);
        await store.renew([{ ...demand, token: kept.token }], 400);
      }
      const waiting = request(demand);
      assert.notEqual((await ask(store, [waiting]))[0], 0, 'it was renewed');
      await bench.pass(450);
      await store.renew([{ ...demand, token: kept.token }], 400);
      assert.equal(await heldOf(store, demand), 0, 'it was renewed too late');
      assert.deepEqual(await ask(store, [again(waiting)]), [0]);
    }, 10_000);

    it('grants slots in the order of the first requests, and names those that are next', async (bench) => {
      const store = bench.part('limits');
      const demand = slots(1);
      const holder = request(demand);
      await ask(store, [holder]);
      const line = [request(demand), request(demand), request(demand)] as const;
      for (const waits of await ask(store, [...line])) assert.notEqual(waits, 0);
      assert.deepEqual(await free(store, holder, 5), [line[0].id]);
      const [late, second, first] = await ask(store, [request(demand), again(line[1]), again(line[0])]);
      assert.notEqual(late, 0, 'a newcomer does not overtake the line');
      assert.notEqual(second, 0, 'the second does not overtake the first');
      assert.equal(first, 0);
    });

    it('names the next in line when a permit has lapsed', async (bench) => {
      const store = bench.part('limits');
      const demand = slots(1);
      await ask(store, [request(demand)], 200);
      const [first, second] = [request(demand), request(demand)];
      await ask(store, [first]);
      await bench.pass(250);
      const { next } = await store.acquire([second], { leaseMs: LEASE_MS, promotes: true });
      assert.deepEqual(next, [{ queue: first.queue, id: first.id }]);
    });

    it('gives the place of a waiter that never returns to the next one', async (bench) => {
      const store = bench.part('limits');
      const demand = slots(1);
      const holder = request(demand);
      await ask(store, [holder]);
      const [gone, next] = [request(demand), request(demand)];
      await ask(store, [gone, next]);
      assert.deepEqual(await free(store, holder), [gone.id]);
      assert.notEqual((await ask(store, [again(next)]))[0], 0, 'the first still has its time to return');
      await bench.pass(5_200);
      assert.deepEqual(await ask(store, [again(next)]), [0]);
    }, 12_000);

    it('grants all limits of a message, or none of them', async (bench) => {
      const store = bench.part('limits');
      const [one, other] = [slots(1, 'k'), slots(1, 'k')];
      const slow = rate(3_600_000, 1);
      assert.deepEqual(await ask(store, [request(other), request(slow)]), [0, 0]);
      const { refusals } = await store.acquire([request([one, other]), request([one, slow])], {
        leaseMs: LEASE_MS,
        promotes: true,
      });
      assert.deepEqual(
        refusals.map((refusal) => refusal?.limit),
        [other.limit, slow.limit],
      );
      assert.deepEqual(await ask(store, [request(one)]), [0], 'the slot was not kept, and has no line');
    });

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

    it('grants no slot of a key that is stopped, and keeps the line', async (bench) => {
      const store = bench.part('limits');
      const demand = slots(1);
      const holder = request(demand);
      await ask(store, [holder]);
      const first = request(demand);
      await ask(store, [first]);
      await store.hold(demand.limit, demand.key, 700);
      assert.deepEqual(await free(store, holder), [], 'nobody is next yet');
      assert.notEqual((await ask(store, [again(first)]))[0], 0);
      const second = request(demand);
      assert.notEqual((await ask(store, [second]))[0], 0);
      await bench.pass(800);
      assert.notEqual((await ask(store, [again(second)]))[0], 0, 'the first is before it');
      assert.deepEqual(await ask(store, [again(first)]), [0]);
    });

    it('shows what is held, waiting and stopped, the last used key first', async (bench) => {
      const store = bench.part('limits');
      const demand = slots(1, 'a b');
      assert.equal(await heldOf(store, demand), undefined);
      await ask(store, [request(demand), request(demand), request(demand)]);
      await bench.pass(5);
      const timed = rate(60_000, 1);
      await ask(store, [request(timed), request(timed)]);
      const mine = async () =>
        (await store.usage()).filter(({ limit }) => limit === demand.limit || limit === timed.limit);
      await bench.until(
        async () => (await mine()).length === 2,
        2_000,
        () => 'the limits were not listed',
      );
      assert.deepEqual(await mine(), [
        { limit: timed.limit, key: '', held: 0, waiting: 1, pausedMs: 0 },
        { limit: demand.limit, key: 'a b', held: 1, waiting: 2, pausedMs: 0 },
      ]);
    });

    it('takes planned times away, so that a new rate applies to messages that wait', async (bench) => {
      const store = bench.part('limits');
      const slow = rate(3_600_000, 1);
      const waiting = [request(slow), request(slow), request(slow)];
      await ask(store, [request(slow), ...waiting]);
      let taken = await store.replan(slow.limit);
      await bench.until(
        async () => {
          if (taken.length === 0) taken = await store.replan(slow.limit);
          return taken.length > 0;
        },
        2_000,
        () => 'no message was found',
      );
      assert.deepEqual(taken.map(({ id }) => id).sort(), waiting.map(({ id }) => id).sort());
      assert.deepEqual(await store.replan(slow.limit), []);
      const fast: LimitDemand = { ...slow, rule: { kind: 'rate', intervalMs: 10, burst: 1 } };
      const waits = await ask(
        store,
        waiting.map((each) => ({ ...again(each), demands: [fast] })),
      );
      // The start before was charged by the old rate.
      for (const waitMs of waits) assert(waitMs > 0 && waitMs <= 3_600_100, `wait of ${waitMs} ms`);
    });

    it('refuses nothing while there is room, for requests by the hundred', async (bench) => {
      const store = bench.part('limits');
      const [one, two] = [slots(500), rate(0.001, 1_000)];
      const requests = Array.from({ length: 400 }, () => request([one, two]));
      assert.deepEqual(
        await ask(store, requests),
        requests.map(() => 0),
      );
      for (const each of requests) await free(store, each);
      assert.equal(await heldOf(store, one), 0);
    }, 10_000);
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
