import assert from 'node:assert/strict';
import { ConfigError } from '../../errors/errors.ts';
import { ack, ids } from './bench.ts';
import type { Group } from './group.ts';

const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte);

export const publishing: Group = {
  name: 'publishing',
  cases(it) {
    it('returns one receipt for each envelope, in order', async (bench) => {
      const envelopes = [bench.envelope(), bench.envelope(), bench.envelope()];
      const receipts = await bench.broker.publish(envelopes);
      assert.deepEqual(
        receipts,
        envelopes.map(({ id }) => ({ id, isNew: true })),
      );
    });

    it('accepts an empty batch', async (bench) => {
      assert.deepEqual(await bench.broker.publish([]), []);
    });

    it('keeps messages that are published before the first subscription', async (bench) => {
      const published = await bench.publish(3);
      const subscription = await bench.subscribe();
      assert.deepEqual(ids(await bench.take(subscription, 3)).sort(), published.sort());
    });

    for (const [what, body] of [
      ['every byte', everyByte],
      ['no byte', new Uint8Array()],
      ['a large body', Buffer.alloc(200_000, everyByte)],
      ['bytes that are not UTF-8', Uint8Array.of(0xff, 0xfe, 0xc0, 0x80)],
      ['100,000 open brackets', Buffer.alloc(100_000, '[')],
    ] as const) {
      it(`delivers the same bytes: ${what}`, async (bench) => {
        await bench.broker.publish([bench.envelope({ body })]);
        const { envelope } = await bench.takeOne(await bench.subscribe());
        assert.equal(Buffer.compare(envelope.body, body), 0);
      });
    }

    it('delivers headers and all other fields unchanged, whatever their names', async (bench) => {
      const headers = Object.fromEntries([
        ['brokkr-task', 'greet'],
        ['traceId', 'ünïcode ☃ 𝄞'],
        ['lines', 'a\r\nb\u0000c\u2028'],
        ['__proto__', 'own'],
        ['constructor', 'own too'],
        ['empty', ''],
      ]);
      const expiresAt = bench.clock.now() + 3_600_000;
      const sent = bench.envelope({ headers, expiresAt });
      await bench.broker.publish([sent]);
      const { envelope } = await bench.takeOne(await bench.subscribe());
      assert.deepEqual(Object.entries(envelope.headers).sort(), Object.entries(headers).sort());
      assert.equal(envelope.id, sent.id);
      assert.equal(envelope.queue, sent.queue);
      assert.equal(envelope.expiresAt, expiresAt);
      assert.equal(({} as { own?: unknown }).own, undefined);
    });

    it('copies: neither side can change the data of the other', async (bench) => {
      const body = Buffer.from('[1]');
      const headers: Record<string, string> = { 'brokkr-task': 'greet' };
      await bench.broker.publish([bench.envelope({ body, headers })]);
      body[1] = 0x39;
      headers['brokkr-task'] = 'changed';
      const subscription = await bench.subscribe();
      const first = await bench.takeOne(subscription);
      assert.equal(Buffer.from(first.envelope.body).toString(), '[1]');
      assert.equal(first.envelope.headers['brokkr-task'], 'greet');
      first.envelope.body[1] = 0x38;
      (first.envelope.headers as Record<string, string>)['brokkr-task'] = 'changed';
      await bench.settle(subscription, { kind: 'release', delivery: first });
      const second = await bench.takeOne(subscription);
      assert.equal(Buffer.from(second.envelope.body).toString(), '[1]');
      assert.equal(second.envelope.headers['brokkr-task'], 'greet');
    });

    it('stores a publish once that is repeated after a lost answer, if it can recognize it', async (bench) => {
      bench.needs(bench.broker.capabilities.idempotency, 'the broker does not recognize repeated messages');
      const envelope = bench.envelope();
      await bench.broker.publish([envelope]);
      await bench.broker.publish([envelope]);
      const subscription = await bench.subscribe();
      await bench.settle(subscription, ack(await bench.takeOne(subscription)));
      await bench.nothing(subscription);
    });

    it('stores each envelope of a batch in its own queue', async (bench) => {
      const other = `${bench.queue}-other`;
      await bench.broker.publish([bench.envelope(), bench.envelope({ queue: other })]);
      const { envelope } = await bench.takeOne(await bench.subscribe(other));
      assert.equal(envelope.queue, other);
      await bench.take(await bench.subscribe(), 1);
    });

    for (const name of ['', 'a b', 'emails.dead', 'emails.quarantine', 'a.delay.b', 'ä', '{q}', 'x'.repeat(121)]) {
      it(`refuses the queue name ${JSON.stringify(name.slice(0, 20))} before a server sees it`, async (bench) => {
        await assert.rejects(async () => bench.broker.publish([bench.envelope({ queue: name })]), ConfigError);
        await assert.rejects(async () => bench.broker.subscribe(name, {}), ConfigError);
      });
    }

    it('stores nothing of a batch that contains an invalid queue name', async (bench) => {
      const batch = [bench.envelope(), bench.envelope({ queue: 'a b' })];
      await assert.rejects(async () => bench.broker.publish(batch), ConfigError);
      await bench.nothing(await bench.subscribe());
    });

    it('keeps 100 concurrent publishes separate', async (bench) => {
      const published = (await Promise.all(Array.from({ length: 100 }, () => bench.publish(1)))).flat();
      const taken = await bench.take(await bench.subscribe(bench.queue, { prefetch: 100 }), 100);
      assert.deepEqual(ids(taken).sort(), published.sort());
    });
  },
};
