import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LEVELS, LONGEST_DELAY_MS, ladderPath, stepMs, stepsOf, TOP_LEVEL } from '../src/topology/delay-ladder.ts';
import { ladderKey, ladderPattern } from '../src/topology/names.ts';

const DAY_MS = 86_400_000;
const delays = fc.oneof(
  fc.integer({ min: 1, max: 40_000 }),
  fc.integer({ min: 1, max: LONGEST_DELAY_MS }),
  fc.constantFrom(1, 31, 32, 33, 1_023, 1_024, 32_767, 32_768, 30 * DAY_MS, LONGEST_DELAY_MS),
);

function waitOf(path: readonly number[]): number {
  return path.reduce((sum, steps, index) => sum + steps * stepMs(TOP_LEVEL - index), 0);
}

/** Returns whether a topic exchange routes a key to a pattern. */
function matches(pattern: string, key: string): boolean {
  const source = pattern
    .split('.')
    .map((word) => (word === '*' ? '[^.]+' : word === '#' ? '.*' : word))
    .join('\\.')
    .replace('\\..*', '(\\..*)?');
  return new RegExp(`^${source}$`).test(key);
}

it('a delay is never shortened, is lengthened by less than its resolution, and takes at most four hops', () => {
  fc.assert(
    fc.property(delays, (delayMs) => {
      const path = ladderPath(delayMs);
      const over = waitOf(path) - delayMs;
      expect(over).toBeGreaterThanOrEqual(0);
      expect(over).toBeLessThan(delayMs < 32_768 ? 32 : 1_024);
      expect(path.filter((steps) => steps > 0).length).toBeLessThanOrEqual(delayMs < 2 ** 20 ? 2 : 4);
      expect(path.some((steps) => steps > 0)).toBe(true);
      for (const [index, steps] of path.entries()) expect(steps).toBeLessThan(stepsOf(TOP_LEVEL - index));
    }),
    { numRuns: 2_000 },
  );
});

it('reaches beyond 30 days, and no rung waits longer than the server can count', () => {
  expect(LONGEST_DELAY_MS).toBeGreaterThan(30 * DAY_MS);
  expect((stepsOf(TOP_LEVEL) - 1) * stepMs(TOP_LEVEL)).toBeLessThan(2 ** 32);
});

it('the routing key leads to one rung at each level, and from the last one to the queue', () => {
  fc.assert(
    fc.property(delays, (delayMs) => {
      const path = ladderPath(delayMs);
      const key = ladderKey(path);
      for (const level of LEVELS) {
        const bound = Array.from({ length: stepsOf(level) }, (_, steps) => steps);
        const taken = bound.filter((steps) => matches(ladderPattern(level, steps), key));
        expect(taken).toEqual([path[TOP_LEVEL - level]]);
      }
    }),
    { numRuns: 50 },
  );
});
