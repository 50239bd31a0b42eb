import { describe, expect, it } from 'vitest';
import { barMsOf, deathBars } from '../src/letters/death-bars.ts';

const HOUR = 3_600_000;
const at = 1_000 * HOUR;

describe('the bars of deaths', () => {
  it('show the shortest time that most of the deaths are in', () => {
    const hours = (...ago: readonly number[]) =>
      (barMsOf(
        ago.map((each) => at - each * HOUR),
        at,
      ) *
        20) /
      HOUR;
    expect(hours(0.1, 0.5)).toBe(1);
    expect(hours(0.1, 5)).toBe(6);
    expect(hours(0.1, 0.2, 0.3, 0.4, 90)).toBe(1);
    expect(hours(0.1, 90)).toBe(168);
    expect(hours(9_000)).toBe(720);
    expect(hours()).toBe(1);
  });

  it('count the deaths of each time; older ones are left out, and later ones are of now', () => {
    const barMs = HOUR / 20;
    const bars = deathBars([at + 5_000, at, at - barMs, at - 2 * barMs - 1, at - HOUR - 1], { barMs, at });
    expect(bars).toHaveLength(20);
    expect(bars.slice(-3)).toEqual([1, 1, 2]);
    expect(bars.slice(0, -3).every((bar) => bar === 0)).toBe(true);
  });
});
