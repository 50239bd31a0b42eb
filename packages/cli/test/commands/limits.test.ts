import { expect, it } from 'vitest';
import { unusedLimits } from '../../src/commands/limits.ts';

const stripe = { limit: 'stripe', key: 'eu', held: 1, waiting: 2, pausedMs: 0 };

it('a rule that was set is listed also if no message has used the limit', () => {
  const set = new Map([
    ['stripe', '50 per 1s'],
    ['queue:emails', 'concurrency 2'],
  ]);
  expect(unusedLimits([stripe, { ...stripe, key: 'us' }], set)).toEqual([
    { limit: 'queue:emails', key: '', held: 0, waiting: 0, pausedMs: 0 },
  ]);
});
