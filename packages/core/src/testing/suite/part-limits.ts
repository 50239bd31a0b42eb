import assert from 'node:assert/strict';
import type { PermitRequest, ReleasedPermit } from '../../broker/limit-store.ts';
import type { Group } from './group.ts';
import { again, ask, free, heldOf, LEASE_MS, permitsOf, rate, request, slots } from './limit-requests.ts';

export const limits: Group = {
  name: 'part limits: slots',
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

    it('frees nothing for the token of an earlier delivery', async (bench) => {
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

    it('gives slots back before it grants others in the same call', async (bench) => {
      const store = bench.part('limits');
      const [demand, other] = [slots(2), slots(1, 'other')];
      const before = [request(demand), request(demand), request(other)] as const;
      assert.deepEqual(await ask(store, before), [0, 0, 0]);
      const waiting = request(other);
      assert.notEqual((await ask(store, [waiting]))[0], 0);
      const returned = before.flatMap((each) => permitsOf(each));
      const now = [request(demand), request(demand), request(demand)];
      const answer = await store.acquire(now, { leaseMs: LEASE_MS, promotes: true, returned });
      assert.deepEqual(
        answer.refusals.map((refusal) => refusal?.limit),
        [undefined, undefined, demand.limit],
      );
      assert.deepEqual(answer.next, [{ queue: waiting.queue, id: waiting.id }], 'of a key that nobody asked for');
      const give = (tokens: readonly ReleasedPermit[]) =>
        store.acquire([], { leaseMs: LEASE_MS, promotes: true, returned: tokens });
      assert.deepEqual(await give(returned), { refusals: [], next: [] }, 'the tokens are those of earlier deliveries');
      assert.equal(await heldOf(store, demand), 2);
      const { next } = await give(permitsOf(now[0] as PermitRequest));
      assert.deepEqual(next, [{ queue: now[2]?.queue, id: now[2]?.id }], 'of a call that asks for nothing');
      assert.equal(await heldOf(store, demand), 1);
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
      // After a run of a minute, the next one does not return by itself for a long time.
      assert.deepEqual(await free(store, holder, 60_000), [gone.id]);
      assert.notEqual((await ask(store, [again(next)]))[0], 0, 'the first still has its time to return');
      await bench.pass(5_200);
      assert.deepEqual(
        await free(store, request(demand)),
        [next.id],
        'an unknown token frees nothing, and asks who is next',
      );
      assert.deepEqual(await ask(store, [again(next)]), [0]);
    }, 12_000);

    it('names a waiter whose time has passed before a slot became free', async (bench) => {
      const store = bench.part('limits');
      const demand = slots(1);
      const [holder, late] = [request(demand), request(demand)];
      await ask(store, [holder]);
      const [waitMs = 0] = await ask(store, [late]);
      await bench.pass(waitMs + 100);
      assert.deepEqual(await free(store, holder, 60_000), [late.id]);
      assert.deepEqual(await free(store, request(demand)), [], 'it is named once');
      assert.deepEqual(await ask(store, [again(late)]), [0]);
    });

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
      const [third, once] = [slots(1), rate(3_600_000, 1)];
      const both = request([third, once]);
      assert.deepEqual(await ask(store, [both]), [0]);
      assert.notEqual((await ask(store, [both]))[0], 0, 'a repeat charges the rate again');
      assert.deepEqual(await ask(store, [request(third)]), [0], 'a refused repeat keeps no slot');
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
