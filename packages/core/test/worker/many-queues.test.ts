import { describe, expect, it } from 'vitest';
import type { Delivery, Subscription } from '../../src/adapter/index.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { Fetcher } from '../../src/worker/fetcher.ts';
import type { Source } from '../../src/worker/source.ts';

interface Queue extends Source {
  left: number;
  received: number;
}

function queue(index: number, ready: number, looks: boolean): Queue {
  const self: Queue = {
    queue: `q${index}`,
    weight: 1,
    extra: 0,
    isPaused: false,
    left: ready,
    received: 0,
    subscription: {
      receive: async (limit: number, { wait, signal }: { wait: boolean; signal: AbortSignal }) => {
        self.received++;
        const count = Math.min(limit, self.left);
        self.left -= count;
        if (count === 0 && wait) await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return Array.from({ length: count }, () => ({ envelope: { queue: `q${index}` } }) as Delivery);
      },
      ...(looks && { mayHaveMessages: async () => self.left > 0 }),
    } as Partial<Subscription> as Subscription,
  };
  return self;
}

function open(count: number, ready: (index: number) => number, options: { strict?: boolean; looks?: boolean } = {}) {
  const queues = Array.from({ length: count }, (_, index) => queue(index, ready(index), options.looks ?? true));
  const fetcher = new Fetcher(queues, {
    strict: options.strict ?? false,
    clock: new ManualClock(),
    onError: (name, error) => {
      throw new Error(name, { cause: error });
    },
  });
  const next = async (limit: number) => {
    const fetched = await fetcher.next(limit, new AbortController().signal);
    return Object.fromEntries(fetched.map(({ source, deliveries }) => [source.queue, deliveries.length]));
  };
  return { queues, next };
}

describe.each([
  ['by weight', false],
  ['in strict order', true],
])('fetching %s from 1,000 queues', (_, strict) => {
  it('receives only from the queues that have messages', async () => {
    const { queues, next } = open(1_000, (index) => (index % 500 === 7 ? 2 : 0), { strict });
    expect(await next(10)).toEqual({ q7: 2, q507: 2 });
    const asked = queues.filter(({ received }) => received > 0).map(({ queue: name }) => name);
    expect(asked).toEqual(['q7', 'q507']);
  });

  it('polls every queue if the broker cannot look', async () => {
    const { next } = open(100, (index) => (index === 99 ? 1 : 0), { strict, looks: false });
    expect(await next(10)).toEqual({ q99: 1 });
  });
});

it('a queue that was found empty gets no credit for that time', async () => {
  const { queues, next } = open(20, (index) => (index < 2 ? 1_000 : 0));
  const [idle, busy] = queues as [Queue, Queue];
  idle.left = 0;
  for (let round = 0; round < 10; round++) await next(10);
  expect(busy.left).toBe(900);
  idle.left = 1_000;
  expect(await next(10)).toEqual({ q0: 5, q1: 5 });
});

it('a few queues are polled at the same time', async () => {
  let looks = 0;
  const { queues, next } = open(3, (index) => (index === 2 ? 1 : 0));
  for (const { subscription } of queues) subscription.mayHaveMessages = async () => ++looks > 0;
  expect(await next(10)).toEqual({ q2: 1 });
  expect(looks).toBe(0);
});
