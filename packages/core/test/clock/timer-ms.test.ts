import { expect, it } from 'vitest';
import { LONGEST_TIMER_MS } from '../../src/clock/longest-timer.ts';
import { timerMs } from '../../src/clock/timer-ms.ts';

it.each([
  [1, 1],
  [0.5, 0.5],
  [LONGEST_TIMER_MS, LONGEST_TIMER_MS],
  [LONGEST_TIMER_MS + 1, LONGEST_TIMER_MS],
  [Number.POSITIVE_INFINITY, LONGEST_TIMER_MS],
])('a time limit of %d ms is a timer of %d ms', (given, expected) => {
  expect(timerMs(given, 'x')).toBe(expected);
});

it.each([0, -1, Number.NaN, '5s', null, {}])('a time limit of %j is refused', (given) => {
  expect(() => timerMs(given as number, 'new Broker: sendTimeoutMs')).toThrow(
    /^new Broker: sendTimeoutMs must be a number of milliseconds above 0; got /,
  );
});
