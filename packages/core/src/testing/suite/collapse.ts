import assert from 'node:assert/strict';
import type { Collapse } from '../../broker/collapse.ts';
import { deadLetterEnvelope } from '../../broker/dead-letter.ts';
import type { Delivery } from '../../broker/delivery.ts';
import type { PublishReceipt } from '../../broker/broker.ts';
import type { Envelope } from '../../broker/envelope.ts';
import type { Settlement } from '../../broker/settlement.ts';
import { ack, release, type TestBench } from './bench.ts';
import type { Case, Group } from './group.ts';

export const TTL_MS = 60_000;

/** Publishes a message with a key. */
export async function send(
  bench: TestBench,
  collapse: Omit<Collapse, 'ttlMs'> & { readonly ttlMs?: number },
  given: Partial<Envelope> = {},
): Promise<PublishReceipt & { readonly sent: string }> {
  const envelope = bench.envelope({ collapse: { ttlMs: TTL_MS, ...collapse }, ...given });
  const [receipt] = await bench.broker.publish([envelope]);
  return { ...(receipt as PublishReceipt), sent: envelope.id };
}

export async function isStored(sending: Promise<PublishReceipt & { readonly sent: string }>): Promise<string> {
  const { id, isNew, sent } = await sending;
  assert.deepEqual([id, isNew], [sent, true], 'the message is stored');
  return id;
}

async function isDuplicate(sending: Promise<PublishReceipt>, of: string): Promise<void> {
  const { id, isNew, isReplacement = false } = await sending;
  assert.deepEqual({ id, isNew, isReplacement }, { id: of, isNew: false, isReplacement: false });
}

function die(delivery: Delivery): Settlement {
  return { kind: 'dead-letter', delivery, reason: 'x', replacement: deadLetterEnvelope(delivery.envelope, 'x') };
}

const ENDS: readonly (readonly [string, (delivery: Delivery) => Settlement])[] = [
  ['acknowledged', ack],
  ['dead', die],
  ['expired', (delivery) => ({ kind: 'expire', delivery })],
];

const UNIQUE = { key: 'k', mode: 'unique' } as const;
const WAITING = { key: 'k', mode: 'waiting' } as const;

export const collapse: Group = {
  name: 'unique and debounced messages',
  cases(register) {
    const it: Case = (name, body, boundMs) => {
      const joining = async (bench: TestBench) => {
        bench.needs(bench.broker.capabilities.collapse === true, 'the broker does not join messages');
        await body(bench);
      };
      if (boundMs === undefined) register(name, joining);
      else register(name, joining, boundMs);
    };

    it('stores a unique message once while it is ready, delayed or running', async (bench) => {
      const first = await isStored(send(bench, UNIQUE));
      await isDuplicate(send(bench, UNIQUE), first);
      await isStored(send(bench, { ...UNIQUE, key: 'other' }, { notBefore: bench.clock.now() + 60_000 }));
      const later = await isStored(send(bench, { ...UNIQUE, key: 'late' }, { notBefore: bench.clock.now() + 60_000 }));
      await isDuplicate(send(bench, { ...UNIQUE, key: 'late' }), later);
      const subscription = await bench.subscribe();
      const delivery = await bench.takeOne(subscription);
      assert.equal(delivery.envelope.id, first);
      await isDuplicate(send(bench, UNIQUE), first);
      await bench.settle(subscription, release(delivery));
      await isDuplicate(send(bench, UNIQUE), first);
    });

    it('stores one of many unique messages that are sent at once, by several processes', async (bench) => {
      const another = bench.isShared ? await bench.openAnother() : bench.broker;
      const receipts = await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          (index % 2 === 0 ? bench.broker : another).publish([
            bench.envelope({ collapse: { ...UNIQUE, ttlMs: TTL_MS } }),
            bench.envelope({ collapse: { ...UNIQUE, ttlMs: TTL_MS } }),
          ]),
        ),
      );
      assert.equal(receipts.flat().filter(({ isNew }) => isNew).length, 1);
      assert.equal(new Set(receipts.flat().map(({ id }) => id)).size, 1);
    });

    for (const [name, end] of ENDS) {
      it(`frees the key of a unique message once it is ${name}`, async (bench) => {
        const subscription = await bench.subscribe();
        for (let round = 0; round < 2; round++) {
          const id = await isStored(send(bench, UNIQUE));
          const delivery = await bench.takeOne(subscription);
          assert.equal(delivery.envelope.id, id);
          await bench.settle(subscription, end(delivery));
        }
        await isStored(send(bench, UNIQUE));
      });
    }

    it('frees the key of a message that is cancelled or purged', async (bench) => {
      const [messages, inspector] = [bench.part('messages'), bench.part('inspector')];
      const delayed = await isStored(send(bench, UNIQUE, { notBefore: bench.clock.now() + 60_000 }));
      assert.deepEqual(await messages.cancel(bench.queue, [delayed]), [delayed]);
      const ready = await isStored(send(bench, UNIQUE));
      // Another message in front: the cancelled one leaves a gap in the line.
      const second = await isStored(send(bench, { ...UNIQUE, key: 'other' }));
      assert.deepEqual(await messages.cancel(bench.queue, [ready]), [ready]);
      await isStored(send(bench, UNIQUE));
      assert.equal(await inspector.purge(bench.queue), 2);
      await isStored(send(bench, { ...UNIQUE, key: 'other' }));
      assert.notEqual(second, await isStored(send(bench, UNIQUE)));
    });

    it('frees the key of a message that is moved to another broker', async (bench) => {
      const inspector = bench.part('inspector');
      const wait = () => ({ notBefore: bench.clock.now() + 60_000 });
      await isStored(send(bench, UNIQUE));
      const debounce = { key: 'd', mode: 'debounce' } as const;
      await isStored(send(bench, debounce, wait()));
      const moved: Envelope[] = [];
      assert.equal(await inspector.take(bench.queue, 10, async (envelopes) => void moved.push(...envelopes)), 2);
      assert.deepEqual(
        moved.map((envelope) => envelope.collapse),
        [undefined, undefined],
        'it has no key there',
      );
      await isStored(send(bench, UNIQUE));
      await isStored(send(bench, debounce, wait()));
    });

    it('keeps the key of a message whose worker died, until another has ended it', async (bench) => {
      const id = await isStored(send(bench, UNIQUE));
      const dying = await bench.broker.subscribe(bench.queue, { leaseMs: bench.leaseMs, prefetch: 1 });
      await bench.takeOne(dying);
      await dying.close();
      await isDuplicate(send(bench, UNIQUE), id);
      const subscription = await bench.subscribe();
      const delivery = await bench.takeOne(subscription, bench.recoveryMs);
      assert.deepEqual([delivery.envelope.id, delivery.crashes], [id, 1]);
      await isDuplicate(send(bench, UNIQUE), id);
      await bench.settle(subscription, ack(delivery));
      await isStored(send(bench, UNIQUE));
    }, 20_000);

    it('keeps the key of a message that waits for its next attempt', async (bench) => {
      const id = await isStored(send(bench, UNIQUE));
      const subscription = await bench.subscribe();
      const delivery = await bench.takeOne(subscription);
      const replacement = { ...delivery.envelope, notBefore: bench.clock.now() + 60_000 };
      await bench.settle(subscription, { kind: 'retry', delivery, replacement });
      await isDuplicate(send(bench, UNIQUE), id);
    });

    it('lets one message of a key wait while another runs', async (bench) => {
      const first = await isStored(send(bench, WAITING));
      await isDuplicate(send(bench, WAITING), first);
      const subscription = await bench.subscribe();
      const running = await bench.takeOne(subscription);
      const second = await isStored(send(bench, WAITING));
      await isDuplicate(send(bench, WAITING), second);
      await bench.settle(subscription, ack(running));
      await isDuplicate(send(bench, WAITING), second);
      const next = await bench.takeOne(subscription);
      assert.equal(next.envelope.id, second);
      await isStored(send(bench, WAITING));
    });

    it('forgets a key after its time, counted from when its message is due', async (bench) => {
      const lifeMs = 1_000;
      await isStored(send(bench, { ...UNIQUE, ttlMs: lifeMs }));
      const later = { ...UNIQUE, key: 'late', ttlMs: lifeMs };
      const late = await isStored(send(bench, later, { notBefore: bench.clock.now() + 30_000 }));
      await bench.pass(lifeMs + 100);
      await isStored(send(bench, UNIQUE));
      await isDuplicate(send(bench, later), late);
    });

    it('stores a publish once whose answer was lost, also if its message has ended since', async (bench) => {
      const envelope = bench.envelope({ collapse: { ...UNIQUE, ttlMs: TTL_MS } });
      for (let round = 0; round < 2; round++)
        assert.deepEqual(await bench.broker.publish([envelope]), [{ id: envelope.id, isNew: true }]);
      const subscription = await bench.subscribe();
      await bench.settle(subscription, ack(await bench.takeOne(subscription)));
      assert.deepEqual(await bench.broker.publish([envelope]), [{ id: envelope.id, isNew: true }]);
      await bench.nothing(subscription, 20);
    });

    it('keeps keys of other queues apart', async (bench) => {
      await isStored(send(bench, UNIQUE));
      await isStored(send(bench, UNIQUE, { queue: `${bench.queue}-b` }));
    });

    it('delivers the newest of several debounced messages, under the id of the first, after its own delay', async (bench) => {
      const debounce = { key: 'k', mode: 'debounce' } as const;
      const subscription = await bench.subscribe();
      const sendAt = (number: number, waitMs: number) =>
        send(bench, debounce, {
          body: Buffer.from(`[${number}]`),
          headers: { 'brokkr-task': 'none', number: String(number) },
          notBefore: bench.clock.now() + waitMs,
        });
      const first = await isStored(sendAt(1, 2_000));
      for (const number of [2, 3]) {
        const { id, isNew, isReplacement } = await sendAt(number, 2_000);
        assert.deepEqual([id, isNew, isReplacement], [first, false, true]);
      }
      await bench.pass(100);
      const sentAt = bench.clock.monotonic();
      await sendAt(4, 1_000);
      await bench.nothing(subscription);
      const delivery = await bench.takeOne(subscription, 1_000 + bench.broker.capabilities.delayResolutionMs);
      assert(bench.clock.monotonic() - sentAt >= 999, 'not before the delay of the last one');
      const { envelope } = delivery;
      assert.deepEqual(
        [envelope.id, Buffer.from(envelope.body).toString(), envelope.headers.number],
        [first, '[4]', '4'],
      );
      assert.equal(envelope.collapse, undefined);
      // It runs: the next one is a message of its own.
      const next = await isStored(sendAt(5, 2_000));
      await bench.settle(subscription, ack(delivery));
      await bench.nothing(subscription);
      assert.equal((await sendAt(6, 100)).id, next);
      const last = await bench.takeOne(subscription, 1_000 + bench.broker.capabilities.delayResolutionMs);
      assert.equal(Buffer.from(last.envelope.body).toString(), '[6]');
      await bench.settle(subscription, ack(last));
      await bench.nothing(subscription, 50);
    }, 20_000);

    it('delays a debounced message no longer than its longest wait, whatever follows', async (bench) => {
      const debounce = { key: 'k', mode: 'debounce', maxWaitMs: 1_000 } as const;
      const subscription = await bench.subscribe();
      const first = await isStored(send(bench, debounce, { notBefore: bench.clock.now() + 800 }));
      const startedAt = bench.clock.monotonic();
      const elapsed = () => bench.clock.monotonic() - startedAt;
      // Each send would delay it again.
      let replaced = 0;
      let taken: readonly Delivery[] = [];
      for (; taken.length === 0; taken = await bench.now(subscription)) {
        assert(elapsed() < 8_000, 'it is delivered, though sends go on');
        const { id } = await send(bench, debounce, { notBefore: bench.clock.now() + 800 });
        if (id === first) replaced++;
        await bench.pass(50);
      }
      assert(replaced > 1, 'it was replaced several times');
      assert(elapsed() >= 799, 'it is not due early');
      assert.equal(taken[0]?.envelope.id, first);
    }, 20_000);

    it('does not replace a debounced message that waits for its next attempt', async (bench) => {
      const debounce = { key: 'k', mode: 'debounce' } as const;
      const id = await isStored(send(bench, debounce, { notBefore: bench.clock.now() + 50 }));
      const subscription = await bench.subscribe();
      const delivery = await bench.takeOne(subscription, 1_000 + bench.broker.capabilities.delayResolutionMs);
      const replacement = { ...delivery.envelope, notBefore: bench.clock.now() + 60_000 };
      await bench.settle(subscription, { kind: 'retry', delivery, replacement });
      const next = await isStored(send(bench, debounce, { notBefore: bench.clock.now() + 60_000 }));
      assert.notEqual(next, id);
    });

    it('stores a new message if the debounced one was cancelled or made ready', async (bench) => {
      const messages = bench.part('messages');
      const debounce = { key: 'k', mode: 'debounce' } as const;
      const wait = () => ({ notBefore: bench.clock.now() + 60_000 });
      const first = await isStored(send(bench, debounce, wait()));
      assert.deepEqual(await messages.cancel(bench.queue, [first]), [first]);
      const second = await isStored(send(bench, debounce, wait()));
      assert.deepEqual(await messages.promote(bench.queue, [second]), [second]);
      await isStored(send(bench, debounce, wait()));
    });

    it('stores joined messages of a batch beside others, with a receipt for each', async (bench) => {
      const [plain, keyed] = [bench.envelope(), bench.envelope({ idempotencyKey: 'i' })];
      const unique = [1, 2].map(() => bench.envelope({ collapse: { ...UNIQUE, ttlMs: TTL_MS } }));
      const [one, two] = unique as [Envelope, Envelope];
      assert.deepEqual(await bench.broker.publish([one, plain, two, keyed]), [
        { id: one.id, isNew: true },
        { id: plain.id, isNew: true },
        { id: one.id, isNew: false },
        { id: keyed.id, isNew: true },
      ]);
    });
  },
};
