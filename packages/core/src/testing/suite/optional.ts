import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { deadLetterEnvelope } from '../../broker/dead-letter.ts';
import type { Delivery } from '../../broker/delivery.ts';
import {
  isCancelling,
  isDiagnosable,
  isInspectable,
  isReleasing,
  isResultStore,
  isStateStore,
} from '../../broker/optional.ts';
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

    it('keeps an idempotency key in whichever queue its messages are sent to', async (bench) => {
      bench.needs(bench.broker.capabilities.idempotency, 'the broker knows no idempotency keys');
      const queues = [bench.queue, `${bench.queue}-2`, `${bench.queue}-3`];
      const another = bench.isShared ? await bench.openAnother() : bench.broker;
      const receipts = await Promise.all(
        Array.from({ length: 20 }, (_, index) => {
          const envelope = bench.envelope({ idempotencyKey: 'k', queue: queues[index % 3] as string });
          return (index % 2 === 0 ? bench.broker : another).publish([envelope]);
        }),
      );
      const told = receipts.flat();
      assert.equal(told.filter(({ isNew }) => isNew).length, 1, 'one was stored');
      assert.equal(new Set(told.map(({ id }) => id)).size, 1, 'all are told of the one that was');
      const taken = await Promise.all(queues.map(async (queue) => bench.now(await bench.subscribe(queue))));
      assert.deepEqual(ids(taken.flat()), [told[0]?.id]);
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
      const long = `${'ü/🔨 #*'.repeat(28)}`;
      await store.setState(long, long);
      assert.equal(await store.getState(long), long);
      await store.setState(long, undefined);
    });

    it('keeps state whole while several read and write it', async (bench) => {
      const [store, other] = [bench.broker, await bench.openAnother()];
      if (!isStateStore(store) || !isStateStore(other)) throw new NotApplicable('the broker is no StateStore');
      const key = randomUUID();
      await store.setState(key, 'a');
      const stores = bench.isShared ? [store, other] : [store];
      const reads = Array.from({ length: 20 }, (_, index) => stores[index % stores.length]?.getState(key));
      const write = (stores.at(-1) ?? store).setState(key, 'b');
      for (const seen of await Promise.all(reads)) assert.match(String(seen), /^[ab]$/);
      await write;
      assert.deepEqual(await Promise.all(stores.map((one) => one.getState(key))), Array(stores.length).fill('b'));
      await store.setState(key, undefined);
    });

    it('keeps state over a restart of the server', async (bench) => {
      const store = bench.broker;
      const restart = bench.options.crash ?? bench.options.restart;
      if (!isStateStore(store)) throw new NotApplicable('the broker is no StateStore');
      bench.needs(store.capabilities.persistent, 'the broker is not persistent');
      if (restart === undefined) throw new NotApplicable('the suite was given no way to restart the server');
      await store.setState('kept', 'yes');
      await restart();
      const another = await bench.openAnother();
      for (const one of [another, store]) {
        let seen: string | undefined;
        const read = async () => {
          seen = isStateStore(one) ? await one.getState('kept').catch(() => undefined) : undefined;
          return seen !== undefined;
        };
        await bench.until(read, 15_000, () => 'the state was not read');
        assert.equal(seen, 'yes');
      }
    }, 90_000);

    it('tells which messages have not ended', async (bench) => {
      const { broker, queue } = bench;
      if (!isCancelling(broker)) throw new NotApplicable('the broker is no CancellingBroker');
      const [done, dead, running, ready] = (await bench.publish(4)) as [string, string, string, string];
      const [delayed] = (await bench.publish(1, { notBefore: bench.clock.now() + 60_000 })) as [string];
      const all = [done, dead, running, ready, delayed];
      assert.deepEqual([...(await broker.unfinished(queue, [...all, 'unknown']))].sort(), [...all].sort());
      const subscription = await bench.subscribe(queue, { prefetch: 1 });
      const held = await bench.take(subscription, 3);
      const [first, second, third] = held as [Delivery, Delivery, Delivery];
      await bench.settle(subscription, ack(first), {
        kind: 'dead-letter',
        delivery: second,
        reason: 'x',
        replacement: deadLetterEnvelope(second.envelope, 'x'),
      });
      assert.deepEqual([...(await broker.unfinished(queue, all))].sort(), [running, ready, delayed].sort());
      if (isInspectable(broker)) {
        await broker.purge(queue);
        assert.deepEqual([...(await broker.unfinished(queue, all))].sort(), [running, delayed].sort());
      }
      await bench.settle(subscription, ack(third));
    });
  },
};
