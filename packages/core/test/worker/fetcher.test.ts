import { describe, expect, it } from 'vitest';
import type { Delivery, Subscription } from '../../src/index.ts';
import { Fetcher, type Source } from '../../src/worker/fetcher.ts';

/** A queue with so many messages, which gives what it is asked for. */
function source(queue: string, weight: number, ready: number): Source & { left: number } {
  const self = {
    queue,
    weight,
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

async function fetched(fetcher: Fetcher<Source>, limit: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { source: from, deliveries } of await fetcher.next(limit, new AbortController().signal)) {
    counts[from.queue] = (counts[from.queue] ?? 0) + deliveries.length;
  }
  return counts;
}

describe('fetching from several queues', () => {
  it('shares by weight among what is ready', async () => {
    const fetcher = new Fetcher(
      [source('critical', 6, 1_000), source('default', 3, 1_000), source('low', 1, 1_000)],
      false,
    );
    expect(await fetched(fetcher, 100)).toEqual({ critical: 60, default: 30, low: 10 });
  });

  it('shares by weight also one at a time, and starves nobody', async () => {
    const fetcher = new Fetcher([source('a', 3, 1_000), source('b', 1, 1_000)], false);
    const total: Record<string, number> = {};
    for (let round = 0; round < 40; round++) {
      for (const [queue, count] of Object.entries(await fetched(fetcher, 1)))
        total[queue] = (total[queue] ?? 0) + count;
    }
    expect(total).toEqual({ a: 30, b: 10 });
  });

  it('gives the share of an empty queue to the others, and no credit for having been empty', async () => {
    const idle = source('idle', 9, 0);
    const fetcher = new Fetcher([idle, source('busy', 1, 1_000)], false);
    expect(await fetched(fetcher, 50)).toEqual({ busy: 50 });
    idle.left = 1_000;
    expect(await fetched(fetcher, 10)).toEqual({ idle: 9, busy: 1 });
  });

  it('strict empties the first before the next', async () => {
    const fetcher = new Fetcher([source('first', 1, 5), source('second', 1, 100)], true);
    expect(await fetched(fetcher, 10)).toEqual({ first: 5, second: 5 });
  });

  it('waits for any of them when all are empty', async () => {
    const late = source('late', 1, 0);
    late.subscription.receive = async (_, { wait }) => (wait ? [{ envelope: { queue: 'late' } } as Delivery] : []);
    expect(await fetched(new Fetcher([source('empty', 1, 0), late], false), 5)).toEqual({ late: 1 });
  });
});
