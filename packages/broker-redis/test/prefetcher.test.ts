import type { Delivery } from '@brokkr/core/adapter';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Prefetcher } from '../src/consuming/prefetcher.ts';

const BATCH = 2;
const PROVEN = 10;
let number = 0;
let claims: number;
let claimed: number | undefined;
let next: Delivery[];
let askedMsAgo: number;
/** Functions with which a test answers the claims in flight, one for each. */
let answers: ((deliveries: Delivery[]) => void)[] | undefined;
let released: (readonly Delivery[])[];

function delivery(crashes = 0): Delivery {
  const id = String(number++);
  return { envelope: { id, queue: 'q', headers: {}, body: Buffer.alloc(0) }, fence: number, crashes };
}

function ahead(batches = 1, most = BATCH): Prefetcher {
  return new Prefetcher({
    most,
    batches,
    leaseMs: 30_000,
    claim: async (limit) => {
      claims++;
      claimed = limit;
      const askedAt = performance.now() - askedMsAgo;
      const deliveries = answers === undefined ? next : await new Promise<Delivery[]>((end) => answers?.push(end));
      return { deliveries, nextEventMs: -1, askedAt };
    },
    release: async (deliveries) => released.push(deliveries),
  });
}

/** Delivers whole batches, one every `everyMs`. */
function handOver(to: Prefetcher, times: number, everyMs: number, signal = new AbortController().signal): void {
  for (let time = 0; time < times; time++) {
    vi.advanceTimersByTime(everyMs);
    to.refill([delivery(), delivery()], BATCH, signal);
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  claims = 0;
  claimed = undefined;
  next = [delivery(), delivery()];
  released = [];
  askedMsAgo = 0;
  answers = undefined;
});

afterEach(() => {
  vi.useRealTimers();
});

it('a fast consumer has its next batch claimed ahead, and takes it', async () => {
  const quick = ahead();
  handOver(quick, PROVEN, 1);
  expect(claims).toBe(0);
  handOver(quick, 1, 1);
  expect(claims).toBe(1);
  expect(await quick.take(1)).toEqual([next[0]]);
  expect(await quick.take(5)).toEqual([next[1]]);
  expect(await quick.take(5)).toEqual([]);
});

it('the allowed number of batches is held or being claimed, and the oldest is taken first', async () => {
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

it('a consumer that may hold several times as many as it asks for gets as many as it asks for', () => {
  const signal = new AbortController().signal;
  const gathering = ahead(1, 500);
  const whole = Array.from({ length: 199 }, () => delivery());
  for (let time = 0; time <= PROVEN; time++) {
    vi.advanceTimersByTime(1);
    gathering.refill(whole, whole.length, signal);
  }
  expect(claimed).toBe(199);
});

it('a consumer that asks for few of what it may hold gets no batch ahead', () => {
  handOver(ahead(1, 500), 3 * PROVEN, 0.01);
  expect(claims).toBe(0);
});

it('a slow consumer gets no batch ahead', () => {
  handOver(ahead(), 3 * PROVEN, 6);
  expect(claims).toBe(0);
});

it('a message that crashed before resets the count of fast batches', () => {
  const quick = ahead();
  handOver(quick, PROVEN, 1);
  quick.refill([delivery(1), delivery()], BATCH, new AbortController().signal);
  handOver(quick, PROVEN - 1, 1);
  expect(claims).toBe(0);
});

it('a message that crashed before is not held, nor is the rest of its batch', async () => {
  const quick = ahead();
  next = [delivery(), delivery(1)];
  handOver(quick, PROVEN + 1, 1);
  expect(await quick.take(5)).toEqual([]);
  expect(released).toEqual([next]);
});

it('a batch claimed ahead is released if it is not taken within 50 ms', async () => {
  const quick = ahead();
  handOver(quick, PROVEN + 1, 1);
  await vi.advanceTimersByTimeAsync(50);
  expect(released).toEqual([next]);
  expect(await quick.take(5)).toEqual([]);
});

it('an old batch is not started, even if a blocked thread delayed its timer', async () => {
  const quick = ahead();
  handOver(quick, PROVEN + 1, 1);
  await Promise.resolve();
  const now = performance.now();
  vi.spyOn(performance, 'now').mockReturnValue(now + 60);
  expect(await quick.take(5)).toEqual([]);
  expect(released).toEqual([next]);
});

it('a batch claimed half a lease ago is not started, however late its answer arrived', async () => {
  const quick = ahead();
  askedMsAgo = 15_001;
  handOver(quick, PROVEN + 1, 1);
  expect(await quick.take(5)).toEqual([]);
  expect(released).toEqual([next]);
});

it('batches that are being claimed when a consumer is aborted are released together, in order', async () => {
  const abort = new AbortController();
  const aborted = ahead(2);
  answers = [];
  const [first, second] = [next, [delivery(), delivery()]];
  handOver(aborted, PROVEN + 1, 1, abort.signal);
  abort.abort();
  answers[1]?.(second);
  await vi.advanceTimersByTimeAsync(0);
  expect(released).toEqual([]);
  answers[0]?.(first);
  await vi.advanceTimersByTimeAsync(0);
  expect(released).toEqual([[...first, ...second]]);
});

it('an aborted consumer releases the batches it holds, and a closed one those that are still to arrive', async () => {
  const abort = new AbortController();
  const aborted = ahead();
  handOver(aborted, PROVEN + 1, 1, abort.signal);
  await vi.advanceTimersByTimeAsync(0);
  abort.abort();
  expect(released).toEqual([next]);
  const closed = ahead();
  handOver(closed, PROVEN + 1, 1);
  await closed.close();
  expect(released).toHaveLength(2);
});
