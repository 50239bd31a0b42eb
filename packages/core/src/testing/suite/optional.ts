import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { isCancelling, isDiagnosable, isReleasing, isResultStore, isStateStore } from '../../broker/optional.ts';
import { UnsupportedFeatureError } from '../../errors/errors.ts';
import { ack, ids, NotApplicable } from './bench.ts';
import type { Group } from './group.ts';
import { worker } from './worker-bench.ts';

export const optional: Group = {
  name: 'what a broker may do beside the contract',
  cases(it) {
    it('stores two messages with one idempotency key once, or refuses the key', async (bench) => {
      if (!bench.broker.capabilities.idempotency) {
        const { task } = await worker(bench, async () => undefined);
        await assert.rejects(task.with({ idempotencyKey: 'k' }).send(), UnsupportedFeatureError);
        return;
      }
      const first = bench.envelope({ idempotencyKey: 'k' });
      const [told] = await bench.broker.publish([first]);
      assert.deepEqual(told, { id: first.id, isNew: true });
      const repeated = await Promise.all(
        Array.from({ length: 20 }, () => bench.broker.publish([bench.envelope({ idempotencyKey: 'k' })])),
      );
      assert.deepEqual(
        new Set(repeated.flat().map(({ id, isNew }) => `${id} ${isNew}`)),
        new Set([`${first.id} false`]),
      );
      await bench.broker.publish([bench.envelope({ idempotencyKey: 'other' })]);
      const subscription = await bench.subscribe();
      await bench.settle(subscription, ...(await bench.take(subscription, 2)).map(ack));
      await bench.broker.publish([bench.envelope({ idempotencyKey: 'k' })]);
      await bench.nothing(subscription, 20);
    });

    it('refuses a delay, or carries it', async (bench) => {
      const { task } = await worker(bench, async () => undefined);
      if (bench.broker.capabilities.maxDelayMs === 0)
        await assert.rejects(task.with({ delay: '1s' }).send(), UnsupportedFeatureError);
      else await task.with({ delay: '1s' }).send();
    });

    it('cancels what has not started, or refuses', async (bench) => {
      if (!isCancelling(bench.broker)) {
        const { task } = await worker(bench, async () => undefined);
        const handle = await task.send();
        await assert.rejects(handle.cancel(), UnsupportedFeatureError);
        return;
      }
      const [ready] = await bench.publish(1);
      const [delayed] = await bench.publish(1, { notBefore: bench.clock.now() + 60_000 });
      assert.deepEqual(
        [...(await bench.broker.cancel(bench.queue, [ready as string, delayed as string, 'unknown']))].sort(),
        [ready, delayed].sort(),
      );
      const [running] = await bench.publish(1);
      const subscription = await bench.subscribe();
      const held = await bench.takeOne(subscription);
      assert.deepEqual(await bench.broker.cancel(bench.queue, [running as string]), []);
      await bench.settle(subscription, ack(held));
    });

    it('judges its server, and changes nothing by it', async (bench) => {
      if (!isDiagnosable(bench.broker)) throw new NotApplicable('the broker is no DiagnosableBroker');
      const [id] = await bench.publish(1);
      for (const { severity, code, message } of await bench.broker.diagnose()) {
        assert.match(severity, /^(error|warning)$/);
        assert.match(code, /^[A-Z][A-Z_]+$/);
        assert.notEqual(message, '');
      }
      assert.equal((await bench.takeOne(await bench.subscribe())).envelope.id, id);
    });

    it('hands back at once what a dead worker held, as crashes', async (bench) => {
      if (!isReleasing(bench.broker)) throw new NotApplicable('the broker is no ReleasingBroker');
      const published = await bench.publish(3);
      const dead = await bench.subscribe(bench.queue, { workerId: 'dead' });
      const alive = await bench.subscribe(bench.queue, { workerId: 'alive' });
      await bench.take(dead, 2);
      const kept = await bench.takeOne(alive);
      assert.equal(await bench.broker.releaseWorker('dead'), 2);
      const back = await bench.take(alive, 2);
      assert.deepEqual(ids([...back, kept]).sort(), published.sort());
      assert.deepEqual(
        back.map(({ crashes }) => crashes),
        [1, 1],
      );
      await bench.settle(alive, ...back.map(ack), ack(kept));
    });

    it('keeps results until their time is over, and wakes who waits for one', async (bench) => {
      const store = bench.broker;
      if (!isResultStore(store)) throw new NotApplicable('the broker is no ResultStore');
      const id = randomUUID();
      assert.equal(await store.loadResult(id, AbortSignal.abort()), undefined);
      const waiting = store.loadResult(id, AbortSignal.timeout(4_000));
      await store.storeResult(id, Buffer.from('1'), 60_000);
      assert.equal(Buffer.from((await waiting) ?? []).toString(), '1');
      await store.storeResult(id, Buffer.from('2'), 100);
      assert.equal(Buffer.from((await store.loadResult(id, AbortSignal.abort())) ?? []).toString(), '2');
      await bench.pass(150);
      assert.equal(await store.loadResult(id, AbortSignal.abort()), undefined);
    });

    it('keeps state by name', async (bench) => {
      const store = bench.broker;
      if (!isStateStore(store)) throw new NotApplicable('the broker is no StateStore');
      const key = randomUUID();
      assert.equal(await store.getState(key), undefined);
      await store.setState(key, 'a');
      await store.setState(key, 'b');
      assert.equal(await store.getState(key), 'b');
      await store.setState(key, undefined);
      assert.equal(await store.getState(key), undefined);
      assert.equal(await store.getState('__proto__'), undefined);
    });
  },
};
