import assert from 'node:assert/strict';
import { deadLetterEnvelope } from '../../broker/dead-letter.ts';
import type { Delivery } from '../../broker/delivery.ts';
import type { Envelope } from '../../broker/envelope.ts';
import type { Settlement } from '../../broker/settlement.ts';
import { ack, type TestBench } from './bench.ts';
import type { Case, Group } from './group.ts';

async function sendKeyed(bench: TestBench, idempotencyKey: string, given: Partial<Envelope> = {}): Promise<Envelope> {
  const envelope = bench.envelope({ idempotencyKey, ...given });
  assert.deepEqual(
    await bench.broker.publish([envelope]),
    [{ id: envelope.id, isNew: true }],
    `${idempotencyKey} is free`,
  );
  return envelope;
}

/** Asserts that the key belongs to `holder`: another message with it is not stored. */
async function isTaken(bench: TestBench, { id, idempotencyKey }: Envelope): Promise<void> {
  const receipts = await bench.broker.publish([bench.envelope({ idempotencyKey })]);
  assert.deepEqual(receipts, [{ id, isNew: false }], `${idempotencyKey} belongs to the first message`);
}

/** Asserts that the key is free: another message with it is stored and delivered. */
async function isFree(bench: TestBench, key: string): Promise<void> {
  const next = await sendKeyed(bench, key);
  const subscription = await bench.subscribe();
  const delivery = await bench.takeOne(subscription);
  assert.equal(delivery.envelope.id, next.id);
  await bench.settle(subscription, ack(delivery));
}

/** Sends a message with the key, receives it, and settles it. */
async function end(bench: TestBench, key: string, settlement: (delivery: Delivery) => Settlement): Promise<Envelope> {
  const envelope = await sendKeyed(bench, key);
  const subscription = await bench.subscribe();
  await bench.settle(subscription, settlement(await bench.takeOne(subscription)));
  return envelope;
}

function die(delivery: Delivery): Settlement {
  return { kind: 'dead-letter', delivery, reason: 'x', replacement: deadLetterEnvelope(delivery.envelope, 'x') };
}

function expire(delivery: Delivery): Settlement {
  return { kind: 'expire', delivery };
}

export const idempotency: Group = {
  name: 'idempotency keys',
  cases(register) {
    const it: Case = (name, body, boundMs) => {
      const keyed = async (bench: TestBench) => {
        bench.needs(bench.broker.capabilities.idempotency, 'the broker does not recognize idempotency keys');
        await body(bench);
      };
      if (boundMs === undefined) register(name, keyed);
      else register(name, keyed, boundMs);
    };

    it('frees the key of a ready or delayed message that is cancelled', async (bench) => {
      const messages = bench.part('messages');
      const ready = await sendKeyed(bench, 'ready');
      const delayed = await sendKeyed(bench, 'delayed', { notBefore: bench.clock.now() + 60_000 });
      await isTaken(bench, ready);
      await isTaken(bench, delayed);
      assert.equal((await messages.cancel(bench.queue, [ready.id, delayed.id])).length, 2);
      await isFree(bench, 'ready');
      await isFree(bench, 'delayed');
    });

    it('frees the key of a message that is cancelled while it waits for its next attempt', async (bench) => {
      const messages = bench.part('messages');
      const { id } = await end(bench, 'k', (delivery) => {
        const replacement = { ...delivery.envelope, notBefore: bench.clock.now() + 60_000 };
        return { kind: 'retry', delivery, replacement };
      });
      assert.deepEqual(await messages.cancel(bench.queue, [id]), [id]);
      await isFree(bench, 'k');
    });

    it('keeps the key of a running message that cannot be cancelled', async (bench) => {
      const messages = bench.part('messages');
      const running = await sendKeyed(bench, 'k');
      const subscription = await bench.subscribe();
      const delivery = await bench.takeOne(subscription);
      assert.deepEqual(await messages.cancel(bench.queue, [running.id]), []);
      await isTaken(bench, running);
      await bench.settle(subscription, ack(delivery));
    });

    it('frees the key of a purged message', async (bench) => {
      const inspector = bench.part('inspector');
      await sendKeyed(bench, 'k');
      assert.equal(await inspector.purge(bench.queue), 1);
      await isFree(bench, 'k');
    });

    it('frees the key of a message that `take` moves away', async (bench) => {
      const inspector = bench.part('inspector');
      await sendKeyed(bench, 'k');
      assert.equal(await inspector.take(bench.queue, 10, async () => undefined), 1);
      await isFree(bench, 'k');
    });

    it('frees the key of an expired message', async (bench) => {
      await end(bench, 'k', expire);
      await isFree(bench, 'k');
    });

    it('frees the key of a message whose task was cancelled while it ran, and counts it as cancelled', async (bench) => {
      await end(bench, 'k', (delivery) => ({ kind: 'ack', delivery, wasCancelled: true }));
      await isFree(bench, 'k');
      const counts = await bench.broker.inspector?.counts(bench.queue);
      if (counts?.cancelled !== undefined) assert.equal(counts.cancelled, 1);
    });

    it('keeps the key of a dead letter, and frees it when the letter is discarded', async (bench) => {
      const inspector = bench.part('inspector');
      const dead = await end(bench, 'k', die);
      await isTaken(bench, dead);
      assert.equal(await inspector.discard(bench.queue, [dead.id]), 1);
      await isFree(bench, 'k');
    });

    it('keeps the key of a dead letter that is redriven, and frees it when that is cancelled', async (bench) => {
      const [inspector, messages] = [bench.part('inspector'), bench.part('messages')];
      const dead = await end(bench, 'k', die);
      assert.equal(await inspector.redrive(bench.queue, [dead.id]), 1);
      await isTaken(bench, dead);
      assert.deepEqual(await messages.cancel(bench.queue, [dead.id]), [dead.id]);
      await isFree(bench, 'k');
    });

    it('keeps the key of a message that succeeded', async (bench) => {
      await isTaken(bench, await end(bench, 'k', ack));
    });

    it('does not store a repeated publish after its message has ended', async (bench) => {
      for (const settlement of [ack, die]) {
        const envelope = await end(bench, settlement.name, settlement);
        assert.deepEqual(await bench.broker.publish([envelope]), [{ id: envelope.id, isNew: true }]);
        await bench.nothing(await bench.subscribe(), 20);
      }
    });

    it('does not free a key that belongs to a later message', async (bench) => {
      const [inspector, messages] = [bench.part('inspector'), bench.part('messages')];
      const dead = await end(bench, 'k', die);
      assert.equal(await inspector.discard(bench.queue, [dead.id]), 1);
      const next = await sendKeyed(bench, 'k');
      assert.deepEqual(await messages.cancel(bench.queue, [dead.id]), []);
      assert.equal(await inspector.discard(bench.queue, [dead.id]), 0);
      await isTaken(bench, next);
    });

    it('stores a message in its own queue if its key was freed in another', async (bench) => {
      const messages = bench.part('messages');
      const elsewhere = `${bench.queue}-b`;
      let holder = await sendKeyed(bench, 'k');
      for (const [queue, other] of [
        [bench.queue, elsewhere],
        [elsewhere, bench.queue],
      ] as const) {
        const repeat = bench.envelope({ idempotencyKey: 'k', queue: other });
        assert.deepEqual(await bench.broker.publish([repeat]), [{ id: holder.id, isNew: false, queue }]);
        assert.deepEqual(await messages.cancel(queue, [holder.id]), [holder.id]);
        holder = await sendKeyed(bench, 'k', { queue: other });
      }
      assert.equal((await bench.takeOne(await bench.subscribe())).envelope.id, holder.id);
      await bench.nothing(await bench.subscribe(elsewhere), 20);
    });

    it('stores one of many messages with a key that are sent to different queues at once', async (bench) => {
      const queues = [0, 1, 2, 3].map((index) => `${bench.queue}-${index}`);
      const sent = queues.map((queue) => bench.envelope({ idempotencyKey: 'k', queue }));
      const receipts = (await Promise.all(sent.map((envelope) => bench.broker.publish([envelope])))).flat();
      assert.equal(receipts.filter(({ isNew }) => isNew).length, 1);
      assert.equal(new Set(receipts.map(({ id }) => id)).size, 1);
    });

    it('remembers a key for the time that its message asks for', async (bench) => {
      const lifeMs = 1_000;
      const short = await sendKeyed(bench, 'short', { idempotencyTtlMs: lifeMs });
      await isTaken(bench, short);
      const long = await sendKeyed(bench, 'long', { idempotencyTtlMs: 3_600_000 });
      await bench.pass(lifeMs + 50);
      await sendKeyed(bench, 'short');
      await isTaken(bench, long);
    });
  },
};
