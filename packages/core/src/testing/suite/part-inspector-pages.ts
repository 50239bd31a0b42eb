import assert from 'node:assert/strict';
import { deadLetterEnvelope } from '../../broker/dead-letter.ts';
import type { BrowsableState, PageItem } from '../../broker/inspector.ts';
import { firstMessages, PAGE_LIMIT, pagesOf } from '../../broker/page-messages.ts';
import type { TestBench } from './bench.ts';
import type { Group } from './group.ts';

const LETTERS = 24;

/** Dead letters 0 to 23: even ones of task `even`, odd ones of task `odd`. Returns their ids. */
async function buried(bench: TestBench, count = LETTERS): Promise<string[]> {
  const envelopes = Array.from({ length: count }, (_, index) =>
    bench.envelope({
      body: Buffer.from(`[${index}]`),
      headers: { 'brokkr-task': index % 2 === 0 ? 'even' : 'odd' },
    }),
  );
  await bench.broker.publish(envelopes);
  const subscription = await bench.subscribe(bench.queue, { prefetch: count });
  const deliveries = await bench.take(subscription, count);
  for (const delivery of deliveries) {
    const replacement = deadLetterEnvelope(delivery.envelope, 'x');
    await bench.settle(subscription, { kind: 'dead-letter', delivery, reason: 'x', replacement });
  }
  await subscription.close();
  const inspector = bench.part('inspector');
  await bench.until(
    async () => (await inspector.counts(bench.queue)).dead === count,
    3_000,
    () => `not all of ${count} letters are dead`,
  );
  return deliveries.map(({ envelope }) => envelope.id);
}

async function idsOf(bench: TestBench, state: BrowsableState): Promise<string[]> {
  return (await firstMessages(bench.part('inspector'), bench.queue, state, 1_000)).map(({ id }) => id);
}

export const inspectorPages: Group = {
  name: 'part inspector: pages and filters',
  cases(it) {
    it('shows every message of a state once, page by page, in order', async (bench) => {
      const ids = await buried(bench);
      const inspector = bench.part('inspector');
      const seen: PageItem[] = [];
      let pages = 0;
      let after: string | undefined;
      do {
        const page = await inspector.page(bench.queue, 'dead', { limit: 7, after });
        assert(page.items.length <= 7, `a page of 7 had ${page.items.length}`);
        seen.push(...page.items);
        after = page.next;
        pages++;
      } while (after !== undefined && pages < 50);
      assert.deepEqual(
        seen.map(({ envelope }) => envelope.id),
        ids,
      );
    }, 15_000);

    it('shows the newest first if asked', async (bench) => {
      const inspector = bench.part('inspector');
      bench.needs(inspector.browsing === 'free', 'the server shows messages from the front only');
      const ids = await buried(bench, 5);
      const page = await inspector.page(bench.queue, 'dead', { limit: 3, from: 'newest' });
      assert.deepEqual(
        page.items.map(({ envelope }) => envelope.id),
        ids.toReversed().slice(0, 3),
      );
    });

    it('reads at most 500 messages in one call, and fewer than one never', async (bench) => {
      const inspector = bench.part('inspector');
      await bench.publish(3);
      await bench.until(
        async () => (await inspector.counts(bench.queue)).ready === 3,
        2_000,
        () => 'three are not ready',
      );
      assert.equal((await inspector.page(bench.queue, 'ready', { limit: 1_000_000 })).items.length, 3);
      assert(PAGE_LIMIT <= 500);
    });

    it('says when delayed messages are due', async (bench) => {
      bench.needs(bench.broker.capabilities.maxDelayMs >= 60_000, 'the broker delays no minute');
      const inspector = bench.part('inspector');
      const dueAt = bench.clock.now() + 60_000;
      const [id] = await bench.publish(1, { notBefore: dueAt });
      let item: PageItem | undefined;
      await bench.until(
        async () => {
          [item] = (await inspector.page(bench.queue, 'delayed', { limit: 10 })).items;
          return item !== undefined;
        },
        3_000,
        () => 'the delayed message was not shown',
      );
      assert.equal(item?.envelope.id, id);
      if (item?.dueAt === undefined) return;
      assert(Math.abs(item.dueAt - dueAt) < 5_000, `due ${item.dueAt - dueAt} ms off`);
    });

    it('survives a cursor that is no longer there, or is not one', async (bench) => {
      const ids = await buried(bench, 6);
      const inspector = bench.part('inspector');
      const first = await inspector.page(bench.queue, 'dead', { limit: 3 });
      await inspector.discard(bench.queue, ids.slice(0, 3));
      const rest = await inspector.page(bench.queue, 'dead', { limit: 10, after: first.next });
      for (const { envelope } of rest.items) assert(ids.slice(3).includes(envelope.id));
      for (const after of ['', 'junk', '-1', '99999999999999999999', '[]']) {
        await inspector.page(bench.queue, 'dead', { limit: 1, after }).catch((error: unknown) => {
          assert.equal((error as { code?: string }).code, 'CURSOR_INVALID');
        });
      }
    });

    it('redrives the letters that a filter chooses, and leaves the others in order', async (bench) => {
      const ids = await buried(bench);
      const inspector = bench.part('inspector');
      const even = ids.filter((_, index) => index % 2 === 0);
      const odd = ids.filter((_, index) => index % 2 === 1);
      assert.equal(
        await inspector.redrive(bench.queue, ({ headers }) => headers['brokkr-task'] === 'even'),
        even.length,
      );
      await bench.until(
        async () => (await inspector.counts(bench.queue)).ready === even.length,
        3_000,
        () => 'the redriven letters are not ready',
      );
      assert.deepEqual((await idsOf(bench, 'dead')).sort(), odd.sort());
      assert.deepEqual((await idsOf(bench, 'ready')).sort(), even.sort());
    }, 15_000);

    it('discards the letters that a filter chooses', async (bench) => {
      const ids = await buried(bench, 6);
      const inspector = bench.part('inspector');
      assert.equal(await inspector.discard(bench.queue, ({ body }) => Buffer.from(body).toString() === '[4]'), 1);
      assert.deepEqual(
        await idsOf(bench, 'dead'),
        ids.filter((_, index) => index !== 4),
      );
    }, 15_000);

    it('works in batches, reports each, and ends after the batch in which its callback stops it', async (bench) => {
      await buried(bench);
      const inspector = bench.part('inspector');
      const ending = new AbortController();
      const reported: number[] = [];
      const done = await inspector.discard(bench.queue, 'all', {
        batch: 5,
        signal: ending.signal,
        onBatch: async (progress) => {
          reported.push(progress.done);
          assert(progress.looked >= progress.done);
          if (progress.done >= 10) ending.abort();
        },
      });
      assert.equal(done, 10);
      assert.deepEqual(reported, [5, 10]);
      await bench.until(
        async () => (await inspector.counts(bench.queue)).dead === LETTERS - 10,
        3_000,
        () => 'the others are not dead letters',
      );
    }, 15_000);

    it('moves dead letters elsewhere, and keeps them if that fails', async (bench) => {
      const ids = await buried(bench, 4);
      const inspector = bench.part('inspector');
      const dead = { from: 'dead' } as const;
      await assert.rejects(inspector.take(bench.queue, 10, () => Promise.reject(new Error('unreachable')), dead));
      const moved: string[] = [];
      await bench.until(
        async () => {
          await inspector.take(
            bench.queue,
            10,
            async (letters) => void moved.push(...letters.map(({ id }) => id)),
            dead,
          );
          return moved.length >= 4;
        },
        3_000,
        () => `${moved.length} of 4 were moved`,
      );
      assert.deepEqual(moved.sort(), ids.sort());
      assert.equal((await inspector.counts(bench.queue)).dead, 0);
    }, 15_000);

    it('stores dead letters of another broker in their order, and each once if it finds ids', async (bench) => {
      const inspector = bench.part('inspector');
      bench.needs(inspector.bury !== undefined, 'the broker cannot store dead letters of another one');
      const [known] = await buried(bench, 1);
      const letters = Array.from({ length: 3 }, (_, index) =>
        deadLetterEnvelope(bench.envelope({ body: Buffer.from(`[${index}]`) }), `reason ${index}`),
      );
      await inspector.bury?.(bench.queue, letters);
      if (bench.broker.messages !== undefined) await inspector.bury?.(bench.queue, letters);
      const ids = [known as string, ...letters.map(({ id }) => id)];
      await bench.until(
        async () => (await inspector.counts(bench.queue)).dead === ids.length,
        3_000,
        () => 'the letters are not dead letters',
      );
      const stored = await firstMessages(inspector, bench.queue, 'dead', 10);
      assert.deepEqual(
        stored.map(({ id }) => id),
        ids,
      );
      assert.deepEqual(stored.at(-1)?.headers, letters.at(-1)?.headers);
      assert.equal(Buffer.from(stored.at(-1)?.body ?? []).toString(), '[2]');
      const { published, ready } = await inspector.counts(bench.queue);
      if (published !== undefined) assert.equal(published, ids.length);
      assert.equal(ready, 0);
      assert.equal(await inspector.redrive(bench.queue, ids.slice(1)), letters.length);
    }, 15_000);

    it('counts many queues at once; one that cannot be read has an error, and the others are there', async (bench) => {
      const inspector = bench.part('inspector');
      const queues = [bench.queue, `${bench.queue}-b`, `${bench.queue}-c`];
      for (const [index, queue] of queues.entries()) await bench.publish(index + 1, { queue });
      const invalid = 'not a queue!';
      let seen: readonly (readonly [string, number | undefined])[] = [];
      await bench.until(
        async () => {
          const reports = await inspector.countsOf([...queues, invalid]);
          assert.equal(reports.length, 4);
          assert(reports.find(({ queue }) => queue === invalid)?.error instanceof Error);
          seen = reports.filter(({ error }) => error === undefined).map(({ queue, ready }) => [queue, ready] as const);
          return seen.every(([, ready], index) => ready === index + 1);
        },
        3_000,
        () => JSON.stringify(seen),
      );
      assert.deepEqual(
        seen.map(([queue]) => queue),
        queues,
      );
    });

    it('walks through more messages than a page holds', async (bench) => {
      const inspector = bench.part('inspector');
      bench.needs(inspector.browsing === 'free', 'looking at many ready messages has an effect on this server');
      const ids = await bench.publish(1_100);
      const seen: string[] = [];
      for await (const items of pagesOf(inspector, bench.queue, 'ready')) {
        assert(items.length <= PAGE_LIMIT);
        seen.push(...items.map(({ envelope }) => envelope.id));
      }
      assert.deepEqual(seen, ids);
    }, 20_000);
  },
};
