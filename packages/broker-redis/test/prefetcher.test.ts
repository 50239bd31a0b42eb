import type { Delivery } from '@brokkr/core/adapter';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Prefetcher } from '../src/consuming/prefetcher.ts';

const BATCH = 2;
const PROVEN = 10;
let number = 0;
let claims: number;
let next: Delivery[];
let askedMsAgo: number;
/** Where a test answers claims itself: one function for each that is under way. */
let answers: ((deliveries: Delivery[]) => void)[] | undefined;
let givenBack: (readonly Delivery[])[];

function delivery(crashes = 0): Delivery {
  const id = String(number++);
  return { envelope: { id, queue: 'q', headers: {}, body: Buffer.alloc(0) }, fence: number, crashes };
}

function ahead(batches = 1): Prefetcher {
  return new Prefetcher({
    most: BATCH,
    batches,
    leaseMs: 30_000,
    claim: async () => {
      claims++;
      const askedAt = performance.now() - askedMsAgo;
      const deliveries = answers === undefined ? next : await new Promise<Delivery[]>((end) => answers?.push(end));
      return { deliveries, nextEventMs: -1, askedAt };
    },
    giveBack: async (deliveries) => givenBack.push(deliveries),
  });
}

/** Hands over whole batches, one every `everyMs`. */
function handOver(to: Prefetcher, times: number, everyMs: number, signal = new AbortController().signal): void {
  for (let time = 0; time < times; time++) {
    vi.advanceTimersByTime(everyMs);
    to.refill([delivery(), delivery()], BATCH, signal);
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  claims = 0;
  next = [delivery(), delivery()];
  givenBack = [];
  askedMsAgo = 0;
  answers = undefined;
});

afterEach(() => {
  vi.useRealTimers();
});

it('a consumer that has proved quick has the next batch claimed, and takes it', async () => {
  const quick = ahead();
  handOver(quick, PROVEN, 1);
  expect(claims).toBe(0);
  handOver(quick, 1, 1);
  expect(claims).toBe(1);
  expect(await quick.take(1)).toEqual([next[0]]);
  expect(await quick.take(5)).toEqual([next[1]]);
  expect(await quick.take(5)).toEqual([]);
});

it('as many batches are held or under way as may be, and the oldest is taken first', async () => {
  const quick = ahead(2);
  handOver(quick, PROVEN + 1, 1);
  expect(claims).toBe(2);
  const [first, second] = [next, [delivery(), delivery()]];
  await Promise.resolve();
  expect(await quick.take(BATCH)).toEqual(first);
  next = second;
  handOver(quick, 1, 1);
  expect(claims).toBe(3);
  expect(await quick.take(BATCH)).toEqual(first);
  expect(await quick.take(BATCH)).toEqual(second);
});

it('slow handlers have none', () => {
  handOver(ahead(), 3 * PROVEN, 6);
  expect(claims).toBe(0);
});

it('a hand-over of what crashed before breaks the row', () => {
  const quick = ahead();
  handOver(quick, PROVEN, 1);
  quick.refill([delivery(1), delivery()], BATCH, new AbortController().signal);
  handOver(quick, PROVEN - 1, 1);
  expect(claims).toBe(0);
});

it('what crashed before is not held, nor what came with it', async () => {
  const quick = ahead();
  next = [delivery(), delivery(1)];
  handOver(quick, PROVEN + 1, 1);
  expect(await quick.take(5)).toEqual([]);
  expect(givenBack).toEqual([next]);
});

it('what nobody took goes back after 50 ms', async () => {
  const quick = ahead();
  handOver(quick, PROVEN + 1, 1);
  await vi.advanceTimersByTimeAsync(50);
  expect(givenBack).toEqual([next]);
  expect(await quick.take(5)).toEqual([]);
});

it('what is old is not started, although a blocked thread kept the timer from looking', async () => {
  const quick = ahead();
  handOver(quick, PROVEN + 1, 1);
  await Promise.resolve();
  const now = performance.now();
  vi.spyOn(performance, 'now').mockReturnValue(now + 60);
  expect(await quick.take(5)).toEqual([]);
  expect(givenBack).toEqual([next]);
});

it('what was asked for half a lease ago is not started, however late its answer came', async () => {
  const quick = ahead();
  askedMsAgo = 15_001;
  handOver(quick, PROVEN + 1, 1);
  expect(await quick.take(5)).toEqual([]);
  expect(givenBack).toEqual([next]);
});

it('batches that are under way when a consumer is aborted go back together, in their order', async () => {
  const abort = new AbortController();
  const aborted = ahead(2);
  answers = [];
  const [first, second] = [next, [delivery(), delivery()]];
  handOver(aborted, PROVEN + 1, 1, abort.signal);
  abort.abort();
  answers[1]?.(second);
  await vi.advanceTimersByTimeAsync(0);
  expect(givenBack).toEqual([]);
  answers[0]?.(first);
  await vi.advanceTimersByTimeAsync(0);
  expect(givenBack).toEqual([[...first, ...second]]);
});

it('an aborted consumer gives back what is held, and a closed one what is still to come', async () => {
  const abort = new AbortController();
  const aborted = ahead();
  handOver(aborted, PROVEN + 1, 1, abort.signal);
  await vi.advanceTimersByTimeAsync(0);
  abort.abort();
  expect(givenBack).toEqual([next]);
  const closed = ahead();
  handOver(closed, PROVEN + 1, 1);
  await closed.close();
  expect(givenBack).toHaveLength(2);
});
