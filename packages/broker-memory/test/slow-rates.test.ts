import type { LimitDemand } from '@brokkr/core/adapter';
import { ManualClock } from '@brokkr/core/testing';
import { expect, it } from 'vitest';
import { MemoryLimits } from '../src/limits/memory-limits.ts';

const DAY_MS = 86_400_000;

it('a rate of one in seven days starts no second message in seven days, however much else is limited', async () => {
  const clock = new ManualClock();
  const limits = new MemoryLimits(clock);
  const ask = async (demand: LimitDemand, id: string) => {
    const request = { token: id, queue: 'q', id, demands: [demand] };
    return (await limits.acquire([request], { leaseMs: 1_000, promotes: true })).refusals[0]?.waitMs ?? 0;
  };
  const weekly: LimitDemand = { limit: 'weekly', key: '', rule: { kind: 'rate', intervalMs: 7 * DAY_MS, burst: 1 } };
  expect(await ask(weekly, 'first')).toBe(0);
  await clock.advance(2 * DAY_MS);
  // Keys that are not used are removed now and then.
  const other: LimitDemand = { limit: 'other', key: '', rule: { kind: 'rate', intervalMs: 0.001, burst: 1_000 } };
  for (let count = 0; count < 2_048; count++) await ask({ ...other, key: String(count) }, `other-${count}`);
  expect(await ask(weekly, 'second')).toBeGreaterThan(4 * DAY_MS);
});
