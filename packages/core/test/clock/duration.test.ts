import { describe, expect, it } from 'vitest';
import { toMs } from '../../src/clock/duration.ts';

describe('a duration', () => {
  it.each([
    [600, 600_000],
    ['600', 600_000],
    [0.25, 250],
    [1.1, 1_100],
    [0.0001, 1],
    [0, 0],
    ['250ms', 250],
    ['30s', 30_000],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['10000000d', 864_000_000_000_000],
  ])('%j is %d ms', (duration, ms) => {
    expect(toMs(duration, 'delay')).toBe(ms);
  });

  it.each([-1, Number.NaN, '', 'soon', '-1s', '1.5h', '1 h', '5w', '1e3', '0x10', '１s', null, {}, ['1s'], true, 5n])(
    'cannot be %s',
    (duration) => {
      expect(() => toMs(duration as never, 'delay')).toThrow(
        expect.objectContaining({
          code: 'DURATION_INVALID',
          message: expect.stringMatching(/^delay must be a duration such as '250ms'.*; got /),
        }),
      );
    },
  );

  it.each([Number.POSITIVE_INFINITY, 1e300, '10000001d', `${'9'.repeat(400)}d`])(
    'of %s is too long: added to today it would not be a date',
    (duration) => {
      expect(() => toMs(duration, 'delay')).toThrow(/^delay must be at most 10,000,000 days/);
    },
  );
});
