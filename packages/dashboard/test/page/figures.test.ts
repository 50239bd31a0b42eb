import { describe, expect, it } from 'vitest';
import { linear, logarithmic } from '../../page/src/charts/scale.ts';
import { areaPath, linePath } from '../../page/src/charts/path.ts';
import { parseOrder, sorted } from '../../page/src/parts/sorting.ts';
import { estimate, exactness } from '../../page/src/text/estimate.ts';
import { age, duration, relative } from '../../page/src/text/duration.ts';
import { bytes, percent, rate } from '../../page/src/text/number.ts';
import { BOUNDS_MS } from '../../src/sampling/histogram.ts';

describe('figures on the page', () => {
  it.each([
    [0, '0 ms'],
    [40.4, '40 ms'],
    [6_100, '6.1 s'],
    [59_999, '59 s'],
    [520_000, '8 m 40 s'],
    [7_440_000, '2 h 4 m'],
    [3_600_000, '1 h'],
    [525_600_000, '6 d 2 h'],
    [41 * 86_400_000, '41 d'],
  ])('shows %d ms as %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it.each([
    [4, '~4 ms', 'estimated: between 0 ms and 5 ms'],
    [237.5, '~238 ms', 'estimated: between 100 ms and 250 ms'],
    [250, '~250 ms', 'estimated: between 100 ms and 250 ms'],
    [299_000, '~4 m 59 s', 'estimated: between 1 m and 5 m'],
    [300_000, '≥ 5 m', 'at least 5 m: workers count longer times together'],
  ])('shows a percentile of %d ms as %s, and how exact it is', (ms, text, exact) => {
    expect(estimate(ms, BOUNDS_MS)).toBe(text);
    expect(exactness(ms, BOUNDS_MS)).toBe(exact);
  });

  it.each([
    [-5_000, '0 s'],
    [12_400, '12 s'],
    [250_000, '4 min'],
    [7_200_000, '2 h'],
    [200_000_000, '2 d'],
  ])('shows an age of %d ms as %s', (ms, text) => {
    expect(age(ms)).toBe(text);
  });

  it('says whether a time is past or to come', () => {
    expect(relative(1_000, 13_000)).toBe('12 s ago');
    expect(relative(13_000, 1_000)).toBe('in 12 s');
    expect(relative(1_000, 1_400)).toBe('now');
  });

  it('never rounds a small rate or share to nothing', () => {
    expect([rate(0), rate(0.04), rate(2.25), rate(412.4), rate(12_345)]).toEqual(['0', '<0.1', '2.3', '412', '12,345']);
    expect([percent(0), percent(0.0001), percent(0.184), percent(1)]).toEqual(['0.0', '<0.1', '18.4', '100.0']);
  });

  it('shows bytes in units of 1,024', () => {
    expect([bytes(0), bytes(214), bytes(1_536), bytes(432_013_312)]).toEqual(['0 B', '214 B', '1.5 KiB', '412 MiB']);
  });

  it('sorts rows by a column, those without a figure last', () => {
    const rows = [{ n: 2 }, { n: undefined }, { n: 10 }];
    const by = (row: (typeof rows)[number]) => row.n;
    expect(sorted(rows, by, true).map(by)).toEqual([10, 2, undefined]);
    expect(sorted(rows, by, false).map(by)).toEqual([2, 10, undefined]);
    expect(parseOrder('-dead')).toEqual({ column: 'dead', descending: true });
    expect(sorted(['q10', 'q9'], (name) => name, false)).toEqual(['q9', 'q10']);
  });
});

describe('axes of charts', () => {
  it.each([0, 0.3, 1, 7, 1_679, 2e9])('a linear axis reaches %d with a few round ticks', (largest) => {
    const { place, ticks } = linear(largest, 100, 0);
    expect(ticks.length).toBeGreaterThanOrEqual(1);
    expect(ticks.length).toBeLessThanOrEqual(5);
    expect(place(largest)).toBeGreaterThanOrEqual(0);
    expect(place(0)).toBe(100);
  });

  it('an axis of messages has no tick below one', () => {
    expect(linear(0, 100, 0, 3).ticks).toEqual([1, 2, 3]);
    expect(linear(1, 100, 0, 3).ticks).toEqual([1, 2, 3]);
  });

  it('a log axis keeps its values inside, zero too', () => {
    const { place, ticks } = logarithmic(35, 492_000, 100, 0);
    expect(ticks).toEqual([100, 1_000, 10_000, 100_000, 1_000_000]);
    for (const value of [0, 35, 1_000, 492_000]) {
      expect(place(value)).toBeGreaterThanOrEqual(0);
      expect(place(value)).toBeLessThanOrEqual(100);
    }
  });

  it('a gap interrupts a line and its area', () => {
    const points = [[0, 1], [1, 2], undefined, [3, 4], [4, 5]] as const;
    expect(linePath(points)).toBe('M0.0 1.0L1.0 2.0M3.0 4.0L4.0 5.0');
    expect(areaPath(points, 9).match(/Z/g)).toHaveLength(2);
  });
});
