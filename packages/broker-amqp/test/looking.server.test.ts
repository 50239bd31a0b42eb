import { firstMessages } from '@brokkr/core/adapter';
import { describe, expect, it } from 'vitest';
import type { AmqpBroker } from '../src/index.ts';
import { RabbitBench, envelope } from './rabbit-bench.ts';

const bench = new RabbitBench();

async function withLetters(count: number, url = bench.server.url): Promise<AmqpBroker> {
  const broker = bench.open(url, { sendTimeoutMs: 10_000 });
  await (await broker.subscribe('q', {})).close();
  await bench.deadLetters(letters(count));
  return broker;
}

function letters(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `d${n}`);
}

async function seen(broker: AmqpBroker, limit: number): Promise<string[]> {
  return (await firstMessages(broker.inspector, 'q', 'dead', limit)).map(({ id }) => id);
}

describe('looking at dead letters', () => {
  it.each(['quorum', 'classic'])(
    'leaves 20 letters in place after a hundred looks at some or all of them (%s)',
    async (type) => {
      const broker = await withLetters(20, `${bench.server.url}?queueType=${type}`);
      for (let look = 0; look < 100; look++) {
        const limit = [1, 5, 20, 12, 19, 50][look % 6] as number;
        expect(await seen(broker, limit)).toEqual(letters(Math.min(limit, 20)));
      }
    },
    90_000,
  );

  it('discarding and redriving leaves a gap, and later letters are stored behind', async () => {
    const broker = await withLetters(20);
    expect(await seen(broker, 7)).toEqual(letters(7));
    expect(await broker.inspector.discard('q', ['d3', 'd11'])).toBe(2);
    expect(await broker.inspector.redrive('q', ['d0'])).toBe(1);
    await bench.deadLetters(letters(25).slice(20));
    const left = letters(25).filter((id) => !['d0', 'd3', 'd11'].includes(id));
    for (const limit of [4, 30, 1, 11, 30]) expect(await seen(broker, limit)).toEqual(left.slice(0, limit));
  }, 90_000);

  it('letters that cannot be redriven stay in place', async () => {
    const broker = await withLetters(20);
    await seen(broker, 20);
    await bench.meddle((channel) => channel.deleteQueue(`${bench.namespace}.q`));
    await bench.meddle((channel) => channel.assertQueue(`${bench.namespace}.q`, { durable: false, autoDelete: true }));
    const other = bench.open();
    await expect(other.inspector.redrive('q', ['d2'])).rejects.toMatchObject({ code: 'QUEUE_MISMATCH' });
    expect(await seen(broker, 20)).toEqual(letters(20));
  }, 90_000);

  it('more letters than one consumer takes at a time are in order, too', async () => {
    const broker = await withLetters(3_500);
    for (const limit of [3_500, 10, 2_400, 3_500]) expect(await seen(broker, limit)).toEqual(letters(limit));
  }, 90_000);

  it('a process that dies during a look loses no letter, and keeps their order', async () => {
    const proxy = await bench.proxied();
    const sound = await withLetters(20);
    await seen(sound, 3);
    for (let round = 0; round < 5; round++) {
      const dying = bench.open(`amqp://127.0.0.1:${proxy.port}`);
      expect(await seen(dying, 20)).toEqual(letters(20));
      const looking = seen(dying, 20).catch(() => []);
      await new Promise((resolve) => setTimeout(resolve, round));
      proxy.reset();
      await looking;
      await dying.close();
      await expect.poll(() => seen(sound, 20), { timeout: 5_000 }).toEqual(letters(20));
    }
  }, 90_000);
});

describe('pages of dead letters', () => {
  it('that are requested at the same time share a look', async () => {
    const broker = await withLetters(40);
    const { next } = await broker.inspector.page('q', 'dead', { limit: 10 });
    const pages = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        broker.inspector.page('q', 'dead', { limit: 5 + index, after: index % 2 === 0 ? undefined : next }),
      ),
    );
    for (const [index, { items }] of pages.entries()) {
      const from = index % 2 === 0 ? 0 : 10;
      expect(items.map(({ envelope: { id } }) => id)).toEqual(letters(40).slice(from, from + 5 + index));
    }
    await bench.meddle(async (channel) => {
      const letter = await channel.get(`${bench.namespace}.q.dead`);
      // The first page, the first of the ten, and one look for the other nine.
      expect(letter === false ? undefined : letter.properties.headers?.['x-delivery-count']).toBe(3);
    });
  }, 90_000);

  it('continue after the last letter of the page before when letters in front of it were removed', async () => {
    const broker = await withLetters(20);
    const { next } = await broker.inspector.page('q', 'dead', { limit: 8 });
    await broker.inspector.discard('q', ['d0', 'd3', 'd6']);
    const { items } = await broker.inspector.page('q', 'dead', { limit: 5, after: next });
    expect(items.map(({ envelope: { id } }) => id)).toEqual(letters(13).slice(8));
  }, 90_000);

  it('continue when an earlier letter has the same id', async () => {
    const broker = await withLetters(4);
    await bench.deadLetters(['d1', 'd5', 'd6']);
    const seenIds: string[] = [];
    let after: string | undefined;
    do {
      const page = await broker.inspector.page('q', 'dead', { limit: 5, after });
      seenIds.push(...page.items.map(({ envelope: { id } }) => id));
      after = page.next;
    } while (after !== undefined && seenIds.length < 50);
    expect(seenIds).toEqual([...letters(4), 'd1', 'd5', 'd6']);
  }, 90_000);

  it('are refused from the newest letter, and after the first 20,000', async () => {
    const broker = await withLetters(1);
    await expect(broker.inspector.page('q', 'dead', { limit: 1, from: 'newest' })).rejects.toMatchObject({
      name: 'UnsupportedFeatureError',
      code: 'NEWEST_UNSUPPORTED',
    });
    await expect(broker.inspector.page('q', 'dead', { limit: 1, after: '20001:d1' })).rejects.toMatchObject({
      name: 'UnsupportedFeatureError',
      code: 'PAGE_TOO_DEEP',
    });
  }, 90_000);
});

describe('a filter', () => {
  it('leaves all letters in their places if it throws', async () => {
    const broker = await withLetters(20);
    const filter = ({ id }: { readonly id: string }) => {
      if (id === 'd7') throw new Error('a bug of the filter');
      return true;
    };
    await expect(broker.inspector.discard('q', filter)).rejects.toThrow('a bug of the filter');
    expect(await seen(broker, 20)).toEqual(letters(20));
  }, 90_000);

  it('keeps the order of thousands of letters that it does not choose', async () => {
    const broker = await withLetters(9_000);
    const startedAt = performance.now();
    expect(await broker.inspector.discard('q', ({ id }) => id.endsWith('99'))).toBe(90);
    process.stdout.write(`a filter looked at 9,000 dead letters in ${Math.round(performance.now() - startedAt)} ms\n`);
    const left = letters(9_000).filter((id) => !id.endsWith('99'));
    const deep = await broker.inspector.page('q', 'dead', { limit: 500, after: `8000:${left[7_999]}` });
    expect(deep.items.map(({ envelope: { id } }) => id)).toEqual(left.slice(8_000, 8_500));
    expect(await seen(broker, 10)).toEqual(left.slice(0, 10));
    const again = await broker.inspector.page('q', 'dead', { limit: 500, after: `8000:${left[7_999]}` });
    expect(again.items.map(({ envelope: { id } }) => id)).toEqual(left.slice(8_000, 8_500));
  }, 120_000);
});

it('a look at ready messages keeps their order', async () => {
  const broker = bench.open();
  const ids = Array.from({ length: 30 }, (_, n) => `m${n}`);
  await broker.publish(ids.map((id) => envelope(id)));
  for (const limit of [30, 5, 12, 30]) {
    expect((await firstMessages(broker.inspector, 'q', 'ready', limit)).map(({ id }) => id)).toEqual(
      ids.slice(0, limit),
    );
  }
}, 90_000);

describe('a look beside other calls', () => {
  it('does not hide a letter from a redrive in another process', async () => {
    const broker = await withLetters(600);
    const lookers = Array.from({ length: 10 }, () => bench.open(bench.server.url, { sendTimeoutMs: 20_000 }));
    const other = bench.open(bench.server.url, { sendTimeoutMs: 20_000 });
    const looks = lookers.map((looker) => seen(looker, 600));
    expect(await other.inspector.redrive('q', ['d5'])).toBe(1);
    const found = await Promise.all(looks);
    expect(found.every(({ length }) => length >= 599)).toBe(true);
    expect(await seen(broker, 600)).toEqual(letters(600).filter((id) => id !== 'd5'));
  }, 90_000);

  it('does not hide a letter from the counts of another process', async () => {
    const broker = await withLetters(600);
    const other = bench.open();
    let isLooking = true;
    const look = seen(broker, 600).finally(() => {
      isLooking = false;
    });
    while (isLooking) expect((await other.inspector.counts('q')).dead).toBe(600);
    await look;
  }, 90_000);

  it('goes on when the other looking process ends', async () => {
    const proxy = await bench.proxied();
    const broker = await withLetters(600);
    const looker = bench.open(`amqp://127.0.0.1:${proxy.port}`);
    const look = seen(looker, 600).catch(() => undefined);
    await expect.poll(async () => (await broker.inspector.counts('q')).dead).toBe(600);
    proxy.reset();
    expect(await broker.inspector.redrive('q', ['d7'])).toBe(1);
    await look;
  }, 90_000);
});
