import { expect, it } from 'vitest';
import { silentAfterMs } from '../../src/control/silent-after.ts';

it('a worker is silent once two of its reports are missing, and later if many workers report less often', () => {
  expect(silentAfterMs(1)).toBe(12_000);
  expect(silentAfterMs(480)).toBe(12_000);
  expect(silentAfterMs(2_000)).toBe(50_000);
});
