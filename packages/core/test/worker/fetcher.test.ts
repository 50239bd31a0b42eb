import { setMaxListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { Delivery, Subscription } from '../../src/adapter/index.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { Fetcher } from '../../src/worker/fetcher.ts';
import type { Source } from '../../src/worker/source.ts';

/** A queue with this number of messages, which returns as many as requested. */
function source(queue: string, weight: number, ready: number): Source & { left: number } {
  const self = {
    queue,
    weight,
    extra: 0,
    isPaused: false,
    left: ready,
    subscription: {
      receive: async (limit: number, { wait, signal }: { wait: boolean; signal: AbortSignal }) => {
        const count = Math.min(limit, self.left);
        self.left -= count;
        if (count === 0 && wait) await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return Array.from({ length: count }, () => ({ envelope: { queue } }) as Delivery);
      },
    } as Partial<Subscription> as Subscription,
  };
  return self;
}

/** A queue that cannot be read until `healed`; it counts the polls. */
function broken(queue: string, weight = 1): Source & { asked: number; healed: boolean } {
  const self = {
    ...source(queue, weight, 1_000),
    asked: 0,
    healed: false,
  };
  const { receive } = self.subscription;
  self.subscription = {
    receive: async (...args: Parameters<Subscription['receive']>) => {
      self.asked++;
      if (!self.healed) throw new Error(`${queue} cannot be read`);
      return receive(...args);
    },
  } as Partial<Subscription> as Subscription;
  return self;
}

function fetcherOf(sources: readonly Source[], strict = false, clock = new ManualClock()) {
  const told: string[] = [];
  const fetcher = new Fetcher(sources, {
    strict,
    clock,
    onError: (queue, error, waitMs) => told.push(`${queue} ${waitMs}: ${(error as Error).message}`),
  });
  return { fetcher, told, clock };
}

async function fetched(fetcher: Fetcher<Source>, limit: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { source: from, deliveries } of await fetcher.next(limit, new AbortController().signal)) {
    counts[from.queue] = (counts[from.queue] ?? 0) + deliveries.length;
  }
  return counts;
}

describe('fetching from several queues', () => {
  it('shares the slots by weight among queues with messages', async () => {
    const { fetcher } = fetcherOf([source('critical', 6, 1_000), source('default', 3, 1_000), source('low', 1, 1_000)]);
    expect(await fetched(fetcher, 100)).toEqual({ critical: 60, default: 30, low: 10 });
  });

  it('shares by weight also with one slot at a time, and starves no queue', async () => {
    const { fetcher } = fetcherOf([source('a', 3, 1_000), source('b', 1, 1_000)]);
    const total: Record<string, number> = {};
    for (let round = 0; round < 40; round++) {
      for (const [queue, count] of Object.entries(await fetched(fetcher, 1)))
        total[queue] = (total[queue] ?? 0) + count;
    }
    expect(total).toEqual({ a: 30, b: 10 });
  });

  it('gives the share of an empty queue to the others, and no credit to the empty one', async () => {
    const idle = source('idle', 9, 0);
    const { fetcher } = fetcherOf([idle, source('busy', 1, 1_000)]);
    expect(await fetched(fetcher, 50)).toEqual({ busy: 50 });
    idle.left = 1_000;
    expect(await fetched(fetcher, 10)).toEqual({ idle: 9, busy: 1 });
  });

  it('empties the first queue before the next one, in strict order', async () => {
    const { fetcher } = fetcherOf([source('first', 1, 5), source('second', 1, 100)], true);
    expect(await fetched(fetcher, 10)).toEqual({ first: 5, second: 5 });
  });

  it('waits for any of the queues when all are empty', async () => {
    const late = source('late', 1, 0);
    late.subscription.receive = async (_, { wait }) => (wait ? [{ envelope: { queue: 'late' } } as Delivery] : []);
    expect(await fetched(fetcherOf([source('empty', 1, 0), late]).fetcher, 5)).toEqual({ late: 1 });
  });
});

describe('a queue that cannot be read', () => {
  it.each([
    ['by weight', false],
    ['in order', true],
  ])('does not affect messages from the other queues, %s', async (_, strict) => {
    const { fetcher, told } = fetcherOf([source('good', 1, 3), broken('bad', 5)], strict);
    expect(await fetched(fetcher, 10)).toEqual({ good: 3 });
    expect(told).toEqual(['bad 50: bad cannot be read']);
  });

  it('does not block the queues after it in strict order', async () => {
    const { fetcher } = fetcherOf([broken('bad'), source('good', 1, 1_000)], true);
    for (let round = 0; round < 3; round++) expect(await fetched(fetcher, 10)).toEqual({ good: 10 });
  });

  it('is polled again after 50, 100, 200 ms, up to 2 s, and immediately once it has been read; the others go on', async () => {
    const bad = broken('bad');
    const { fetcher, told, clock } = fetcherOf([bad, source('good', 1, 1_000)]);
    const asked = async () => {
      await fetched(fetcher, 4);
      return bad.asked;
    };
    expect([await asked(), await asked()]).toEqual([1, 1]);
    for (const waitMs of [50, 100, 200, 400, 800, 1_600, 2_000, 2_000]) {
      const before = bad.asked;
      await clock.advance(waitMs - 1);
      expect(await asked()).toBe(before);
      await clock.advance(1);
      expect(await asked()).toBe(before + 1);
    }
    expect(told.at(-1)).toBe('bad 2000: bad cannot be read');
    bad.healed = true;
    await clock.advance(2_000);
    expect(await fetched(fetcher, 4)).toEqual({ bad: 2, good: 2 });
  });

  it('ends the wait for all queues after its backoff', async () => {
    const bad = broken('bad');
    const { fetcher, clock } = fetcherOf([bad, source('empty', 1, 0)]);
    const next = fetched(fetcher, 4);
    await clock.advance(0);
    bad.healed = true;
    await clock.advance(50);
    expect(await next).toEqual({ bad: 4 });
  });

  it('leaves no timer behind when the worker stops', async () => {
    const clock = new ManualClock();
    const { fetcher } = fetcherOf([broken('bad')], false, clock);
    const stopping = new AbortController();
    const next = fetcher.next(4, stopping.signal);
    await clock.advance(0);
    stopping.abort();
    expect(await next).toEqual([]);
    expect(clock.nextDueAt()).toBeUndefined();
  });
});

describe('a queue that can be read again', () => {
  it('gets no credit for the time it failed, nor does a queue that was empty while another was almost idle', async () => {
    const bad = broken('bad');
    const { fetcher, clock } = fetcherOf([bad, source('good', 1, 10_000)]);
    for (let round = 0; round < 100; round++) await fetched(fetcher, 10);
    bad.healed = true;
    await clock.advance(2_000);
    expect(await fetched(fetcher, 10)).toEqual({ bad: 5, good: 5 });
    const idle = source('idle', 1, 0);
    const little = source('little', 1, 0);
    const { fetcher: light } = fetcherOf([idle, little]);
    for (let round = 0; round < 100; round++) {
      little.left = 1;
      expect(await fetched(light, 10)).toEqual({ little: 1 });
    }
    Object.assign(idle, { left: 100 });
    Object.assign(little, { left: 100 });
    expect(await fetched(light, 10)).toEqual({ idle: 5, little: 5 });
  });

  it('delays the other queues by at most 200 ms if it does not answer', async () => {
    const bad = broken('bad');
    const { fetcher, clock } = fetcherOf([bad, source('good', 1, 10_000)]);
    await fetched(fetcher, 4);
    bad.subscription.receive = (_, { signal }) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve([])));
    await clock.advance(50);
    const next = fetched(fetcher, 4);
    await clock.advance(200);
    expect(await next).toEqual({ good: 4 });
  });
});

it('a stop during the polling of several queues does not wait for them', async () => {
  const stopping = new AbortController();
  const quiet = source('quiet', 1, 0);
  const { receive } = quiet.subscription;
  quiet.subscription.receive = (...given) => {
    stopping.abort();
    return receive(...given);
  };
  const { fetcher, told } = fetcherOf([quiet, source('other', 1, 0)]);
  expect(await fetcher.next(4, stopping.signal)).toEqual([]);
  expect(told).toEqual([]);
});

it('dozens of failing or waiting queues cause no warning about listeners', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error) => void warnings.push(warning);
  process.on('warning', note);
  const { fetcher, clock } = fetcherOf([
    ...Array.from({ length: 20 }, (_, index) => broken(`bad ${index}`)),
    ...Array.from({ length: 20 }, (_, index) => source(`quiet ${index}`, 1, 0)),
  ]);
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  const next = fetcher.next(4, stopping.signal);
  await clock.advance(500);
  stopping.abort();
  await next;
  process.off('warning', note);
  expect(warnings).toEqual([]);
});

it.each([1, 3])(
  'a broker of %i queues that returns nothing from a wait, as a closed one does, is reported and not polled endlessly',
  async (queues) => {
    let asked = 0;
    const { fetcher, told, clock } = fetcherOf(
      Array.from({ length: queues }, (_, index) => {
        const closed = source(`closed ${index}`, 1, 0);
        closed.subscription.receive = async (_limit, { wait }) => {
          if (wait) asked++;
          return [];
        };
        return closed;
      }),
    );
    const stopping = new AbortController();
    const next = fetcher.next(4, stopping.signal);
    await clock.advance(5_000);
    expect(asked).toBeLessThan(10 * queues);
    expect(told[0]).toMatch(/^closed 0 50: the broker returned no message to a waiting call/);
    stopping.abort();
    expect(await next).toEqual([]);
  },
);

it('a worker with any number of slots fetches at most 500 messages in one call', async () => {
  const { fetcher } = fetcherOf([source('a', 1, 5_000), source('b', 1, 5_000)]);
  expect(await fetched(fetcher, 100_000_000)).toEqual({ a: 250, b: 250 });
});

it('a worker with more slots than one call returns takes from the first queue only, in strict order', async () => {
  const { fetcher } = fetcherOf([source('first', 1, 5_000), source('second', 1, 5_000)], true);
  for (let round = 0; round < 10; round++) expect(await fetched(fetcher, 2_000)).toEqual({ first: 500 });
  expect(await fetched(fetcher, 2_000)).toEqual({ second: 500 });
});

describe('a queue whose messages gather in batches', () => {
  /** The queue `gathers` may be read for 50 messages beyond its share. */
  const gathers = (ready: number) => Object.assign(source('gathers', 1, ready), { extra: 50 });

  it('is read for more than its share, without a cost to the others', async () => {
    const { fetcher } = fetcherOf([gathers(1_000), source('others', 1, 1_000)]);
    expect(await fetched(fetcher, 10)).toEqual({ gathers: 55, others: 5 });
  });

  it('leaves unused slots to the others', async () => {
    const { fetcher } = fetcherOf([gathers(3), source('others', 1, 1_000)]);
    expect(await fetched(fetcher, 10)).toEqual({ gathers: 3, others: 10 });
  });

  it.each([true, false])('is the only one that is read while no slot is free (strict: %s)', async (strict) => {
    const others = source('others', 1, 1_000);
    const { fetcher } = fetcherOf([others, gathers(20)], strict);
    expect(await fetched(fetcher, 0)).toEqual({ gathers: 20 });
    expect(others.left).toBe(1_000);
  });

  it.each([1, 2])('ends a wait without free slots when it is interrupted (%i queues)', async (queues) => {
    const sources = [gathers(0), source('others', 1, 1_000)].slice(0, queues);
    const { fetcher } = fetcherOf(sources);
    const waiting = fetcher.next(0, new AbortController().signal);
    await new Promise(setImmediate);
    fetcher.interrupt();
    expect(await waiting).toEqual([]);
  });

  it('is read in order with the others by a strict worker', async () => {
    const { fetcher } = fetcherOf([gathers(30), source('others', 1, 1_000)], true);
    expect(await fetched(fetcher, 10)).toEqual({ gathers: 30, others: 10 });
  });
});

it('poll fetches what is ready, and does not wait', async () => {
  const { fetcher } = fetcherOf([source('a', 1, 3), source('b', 1, 0)]);
  const { signal } = new AbortController();
  expect((await fetcher.poll(10, signal)).map(({ deliveries }) => deliveries.length)).toEqual([3]);
  expect(await fetcher.poll(10, signal)).toEqual([]);
});
