import assert from 'node:assert/strict';
import { deadLetterEnvelope } from '../../broker/dead-letter.ts';
import type { Envelope } from '../../broker/envelope.ts';
import { ATTEMPT_HEADER, HISTORY_HEADER, REASON_HEADER } from '../../broker/headers.ts';
import type { Inspector, LetterChoice } from '../../broker/inspector.ts';
import { readDeadLetter } from '../../message/dead-letter-record.ts';
import { ids, type TestBench } from './bench.ts';
import { firstMessages } from '../../broker/page-messages.ts';
import type { Group } from './group.ts';

/** Publishes `count` messages, and dead-letters them in order. @returns the inspector and their ids */
async function bury(bench: TestBench, count: number): Promise<{ inspector: Inspector; buried: string[] }> {
  const inspector = bench.part('inspector');
  const subscription = await bench.subscribe();
  const buried: string[] = [];
  for (let index = 0; index < count; index++) {
    await bench.publish(1, {
      body: Uint8Array.of(0xff, index),
      headers: { 'brokkr-task': 'none', [ATTEMPT_HEADER]: '4', [HISTORY_HEADER]: '[]' },
    });
    const delivery = await bench.takeOne(subscription);
    const replacement = deadLetterEnvelope(delivery.envelope, `reason ${index}`);
    await bench.settle(subscription, { kind: 'dead-letter', delivery, reason: `reason ${index}`, replacement });
    buried.push(delivery.envelope.id);
    await bench.until(
      async () => (await firstMessages(inspector, bench.queue, 'dead', 100)).length === index + 1,
      2_000,
      () => 'no dead letter',
    );
  }
  return { inspector, buried };
}

export const deadLetters: Group = {
  name: 'part inspector: dead letters',
  cases(it) {
    it('keeps dead letters in order, with raw bytes, headers and reason', async (bench) => {
      const { inspector, buried } = await bury(bench, 3);
      const letters = await firstMessages(inspector, bench.queue, 'dead', 10);
      assert.deepEqual(
        letters.map(({ id }) => id),
        buried,
      );
      assert.deepEqual(
        letters.map(({ headers }) => headers[REASON_HEADER]),
        ['reason 0', 'reason 1', 'reason 2'],
      );
      assert.deepEqual(
        letters.map(({ body }) => [...body]),
        [
          [0xff, 0],
          [0xff, 1],
          [0xff, 2],
        ],
      );
    });

    it('loses and moves no dead letter during a hundred peeks', async (bench) => {
      const { inspector, buried } = await bury(bench, 2);
      for (let look = 0; look < 100; look++) await firstMessages(inspector, bench.queue, 'dead', 1 + (look % 2));
      await bench.until(
        async () => (await firstMessages(inspector, bench.queue, 'dead', 10)).length === 2,
        2_000,
        () => 'dead letters went missing',
      );
      assert.deepEqual(
        (await firstMessages(inspector, bench.queue, 'dead', 10)).map(({ id }) => id),
        buried,
      );
    }, 20_000);

    it('redrives the given ids with fresh attempts and the same bytes, and keeps the others', async (bench) => {
      const { inspector, buried } = await bury(bench, 3);
      assert.equal(await inspector.redrive(bench.queue, [buried[1] as string]), 1);
      const delivery = await bench.takeOne(await bench.subscribe());
      assert.equal(delivery.envelope.id, buried[1]);
      assert.equal(delivery.envelope.queue, bench.queue);
      assert.deepEqual([...delivery.envelope.body], [0xff, 1]);
      assert.equal(delivery.crashes, 0);
      for (const forgotten of [ATTEMPT_HEADER, HISTORY_HEADER, REASON_HEADER]) {
        assert.equal(delivery.envelope.headers[forgotten], undefined, forgotten);
      }
      const left = (await firstMessages(inspector, bench.queue, 'dead', 10)).map(({ id }) => id);
      assert.deepEqual(left, [buried[0], buried[2]]);
    });

    it('redrives all dead letters', async (bench) => {
      const { inspector, buried } = await bury(bench, 3);
      assert.equal(await inspector.redrive(bench.queue, 'all'), 3);
      const back = await bench.take(await bench.subscribe(), 3);
      assert.deepEqual(ids(back).sort(), buried.sort());
      assert.deepEqual(await firstMessages(inspector, bench.queue, 'dead', 10), []);
    });

    it('discards the given ids, or all', async (bench) => {
      const { inspector, buried } = await bury(bench, 3);
      assert.equal(await inspector.discard(bench.queue, [buried[0] as string, 'unknown']), 1);
      assert.deepEqual(
        (await firstMessages(inspector, bench.queue, 'dead', 10)).map(({ id }) => id),
        buried.slice(1),
      );
      assert.equal(await inspector.discard(bench.queue, 'all'), 2);
      assert.deepEqual(await firstMessages(inspector, bench.queue, 'dead', 10), []);
    });

    it('redrives with the reason, the attempts and the number of redrives in headers, and keeps them at the next death', async (bench) => {
      const inspector = bench.part('inspector');
      const subscription = await bench.subscribe();
      const attempt = {
        attempt: 4,
        at: 1,
        worker: 'w',
        error: { name: 'Error', message: 'm', stack: 's'.repeat(1_000) },
      };
      const headers = { 'brokkr-task': 'none', [HISTORY_HEADER]: JSON.stringify([attempt]) };
      await bench.publish(1, { headers });
      for (const redrives of [1, 2]) {
        const delivery = await bench.takeOne(subscription);
        const reason = `death ${redrives}`;
        const replacement = deadLetterEnvelope(
          { ...delivery.envelope, headers: { ...delivery.envelope.headers, ...headers } },
          reason,
          { at: 42, by: 'w' },
        );
        await bench.settle(subscription, { kind: 'dead-letter', delivery, reason, replacement });
        const letters = () => firstMessages(inspector, bench.queue, 'dead', 10);
        await bench.until(
          async () => (await letters()).length === 1,
          2_000,
          () => 'no dead letter',
        );
        const record = readDeadLetter((await letters())[0] as Envelope);
        assert.deepEqual([record.reason, record.deadAt, record.deadBy], [reason, 42, 'w']);
        assert.deepEqual(record.attempts, [attempt]);
        assert.equal(record.redriven?.count, redrives === 1 ? undefined : 1);
        await inspector.redrive(bench.queue, 'all');
        const again = await bench.takeOne(subscription);
        const redriven = readDeadLetter(again.envelope).redriven;
        assert.equal(redriven?.count, redrives);
        assert(Math.abs(redriven.at - bench.clock.now()) < 60_000, 'the time of the redrive');
        assert.equal(redriven.reason, reason);
        assert.deepEqual(redriven.attempts, [{ ...attempt, error: { name: 'Error', message: 'm' } }]);
        await bench.settle(subscription, { kind: 'release', delivery: again });
      }
    });

    it('refuses to change letters that were not chosen', async (bench) => {
      const { inspector, buried } = await bury(bench, 1);
      for (const which of [undefined, null, buried[0], [7], {}] as unknown as LetterChoice[]) {
        const refused = { code: 'LETTER_CHOICE_INVALID' };
        await assert.rejects(async () => inspector.redrive(bench.queue, which), refused);
        await assert.rejects(async () => inspector.discard(bench.queue, which), refused);
      }
      const letters = await firstMessages(inspector, bench.queue, 'dead', 10);
      assert.deepEqual(
        letters.map(({ id }) => id),
        buried,
      );
    });

    it('delivers a message that died, was redriven and died again', async (bench) => {
      const { inspector, buried } = await bury(bench, 1);
      await inspector.redrive(bench.queue, 'all');
      const subscription = await bench.subscribe();
      const delivery = await bench.takeOne(subscription);
      const replacement = deadLetterEnvelope(delivery.envelope, 'again');
      await bench.settle(subscription, { kind: 'dead-letter', delivery, reason: 'again', replacement });
      await bench.until(
        async () => (await firstMessages(inspector, bench.queue, 'dead', 10)).length === 1,
        2_000,
        () => 'no dead letter',
      );
      const [letter] = await firstMessages(inspector, bench.queue, 'dead', 10);
      assert.equal(letter?.id, buried[0]);
      assert.equal(letter?.headers[REASON_HEADER], 'again');
    });
  },
};
