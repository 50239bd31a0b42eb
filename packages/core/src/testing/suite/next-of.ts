import assert from 'node:assert/strict';
import type { Called, LimitDemand, LimitStore, PermitRequest } from '../../broker/limit-store.ts';
import type { TestBench } from './bench.ts';

/** Names the messages of one key whose turn it is. */
export async function call(
  store: LimitStore,
  demand: LimitDemand,
  gone?: readonly PermitRequest[],
): Promise<{ readonly next: readonly string[]; readonly againMs: number | undefined }> {
  const { next, againMs }: Called = await store.call([{ ...demand, gone }]);
  assert.equal(againMs.length, 1);
  return { next: next.map(({ id }) => id), againMs: againMs[0] };
}

/** Calls until messages are named, when the answers say. */
export async function nextOf(bench: TestBench, store: LimitStore, demand: LimitDemand): Promise<readonly string[]> {
  for (let calls = 0; calls < 10; calls++) {
    const { next, againMs } = await call(store, demand);
    if (next.length > 0) return next;
    assert(againMs !== undefined, 'no call is due, but messages wait');
    assert(againMs > 0 && againMs < 10_000, `the next call is due after ${againMs} ms`);
    await bench.pass(againMs);
  }
  return [];
}
