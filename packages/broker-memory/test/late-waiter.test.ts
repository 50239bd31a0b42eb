import type { PermitRequest } from '@brokkr/core/adapter';
import { ManualClock } from '@brokkr/core/testing';
import { expect, it } from 'vitest';
import { MemoryBroker } from '../src/index.ts';

it('a message that comes back after its place in line is gone does not start before the one behind it', async () => {
  const clock = new ManualClock();
  const { limits } = new MemoryBroker({ clock });
  const demands = [{ limit: 'l', key: '', rule: { kind: 'concurrency', slots: 1 } }] as const;
  const request = (id: string, token: string): PermitRequest => ({ id, token, queue: 'q', demands });
  const ask = (...requests: PermitRequest[]) => limits.acquire(requests, { leaseMs: 60_000, promotes: true });
  await ask(request('holder', 't1'), request('late', 't2'), request('next', 't3'));
  const permit = { limit: 'l', key: '', token: 't1', slots: 1, ranMs: 60_000 };
  expect(await limits.release([permit], { promotes: true })).toEqual([{ queue: 'q', id: 'late' }]);
  // After a run of a minute, it does not return by itself for a long time.
  await ask(request('next', 't5'));
  await clock.advance(20_000);
  const { refusals, next } = await ask(request('late', 't4'));
  expect(refusals[0]?.limit).toBe('l');
  expect(next).toEqual([{ queue: 'q', id: 'next' }]);
});
