import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { deadLetterEnvelope } from '../../broker/dead-letter.ts';
import type { Delivery } from '../../broker/delivery.ts';
import type { ResultStore } from '../../broker/result-store.ts';
import type { SettledResult, Settlement } from '../../broker/settlement.ts';
import type { Group } from './group.ts';
import { ack, type TestBench } from './bench.ts';

/** The settlements that end a message: each may carry a result. */
const ENDINGS: readonly ((delivery: Delivery, result: SettledResult) => Settlement)[] = [
  (delivery, result) => ({ kind: 'ack', delivery, result }),
  (delivery, result) => ({ kind: 'expire', delivery, result }),
  (delivery, result) => ({
    kind: 'dead-letter',
    delivery,
    reason: 'failed',
    replacement: deadLetterEnvelope(delivery.envelope, 'failed'),
    result,
  }),
];

export const results: Group = {
  name: 'part results',
  cases(it) {
    it('keeps results until they expire, and wakes a caller that waits for one', async (bench) => {
      const store = bench.part('results');
      const id = randomUUID();
      assert.equal(await store.load(id, AbortSignal.abort()), undefined);
      const waiting = store.load(id, AbortSignal.timeout(4_000));
      await store.store(id, Buffer.from('1'), 60_000);
      assert.equal(Buffer.from((await waiting) ?? []).toString(), '1');
      await store.store(id, Buffer.from('2'), 100);
      assert.equal(await stored(store, id), '2');
      await bench.pass(150);
      assert.equal(await stored(store, id), undefined);
    });

    it('keeps the existing result if it is asked to store only the first', async (bench) => {
      const store = bench.part('results');
      const [known, fresh] = [randomUUID(), randomUUID()];
      await store.store(known, Buffer.from('first'), 60_000);
      await store.store(known, Buffer.from('second'), 60_000, { onlyIfNone: true });
      await store.store(fresh, Buffer.from('only'), 60_000, { onlyIfNone: true });
      assert.deepEqual([await stored(store, known), await stored(store, fresh)], ['first', 'only']);
    });

    it('stores the result of a settlement with it, and wakes a caller that waits for it', async (bench) => {
      const store = settlingStore(bench);
      const sent = await bench.publish(ENDINGS.length);
      const subscription = await bench.subscribe();
      const deliveries = await bench.take(subscription, sent.length);
      const waiting = store.load(sent[0] as string, AbortSignal.timeout(4_000));
      await bench.settle(
        subscription,
        ...deliveries.map((delivery, index) =>
          (ENDINGS[index] as (typeof ENDINGS)[number])(delivery, {
            bytes: Buffer.from(`result ${index}`),
            ttlMs: index === 1 ? 100 : 60_000,
          }),
        ),
      );
      assert.equal(Buffer.from((await waiting) ?? []).toString(), 'result 0');
      assert.deepEqual(await Promise.all(sent.map((id) => stored(store, id))), ['result 0', 'result 1', 'result 2']);
      await bench.pass(150);
      assert.deepEqual(await Promise.all(sent.map((id) => stored(store, id))), ['result 0', undefined, 'result 2']);
    });

    it('does not store the result of a settlement that it refuses', async (bench) => {
      const store = settlingStore(bench);
      const sent = await bench.publish(ENDINGS.length);
      const paused = await bench.subscribe();
      const lost = await bench.take(paused, sent.length);
      await bench.pass(bench.leaseMs + 1);
      const next = await bench.subscribe();
      const taken = await bench.take(next, sent.length, bench.recoveryMs);
      const late = () =>
        paused.settle(lost.map((delivery, index) => ENDINGS[index]?.(delivery, result('of the old')) ?? ack(delivery)));
      assert.equal((await late()).length, sent.length);
      assert.deepEqual(
        await Promise.all(sent.map((id) => stored(store, id))),
        sent.map(() => undefined),
        'none precedes',
      );
      await bench.settle(
        next,
        ...taken.map((delivery): Settlement => ({ kind: 'ack', delivery, result: result('new') })),
      );
      assert.equal((await late()).length, sent.length);
      assert.deepEqual(
        await Promise.all(sent.map((id) => stored(store, id))),
        sent.map(() => 'new'),
        'none replaces',
      );
    }, 20_000);
  },
};

/** The results of a broker that stores them with its settlements. */
function settlingStore(bench: TestBench): ResultStore {
  const store = bench.part('results');
  bench.needs(store.storesWithSettlement === true, 'the broker does not store results with settlements');
  return store;
}

function result(text: string): SettledResult {
  return { bytes: Buffer.from(text), ttlMs: 60_000 };
}

async function stored(store: ResultStore, id: string): Promise<string | undefined> {
  const bytes = await store.load(id, AbortSignal.abort());
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
}
