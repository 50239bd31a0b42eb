/**
 * Delays without a plugin. A delay is written in digits of base 32. Each digit is a rung: a queue whose messages all
 * wait equally long before its dead-letter exchange passes them one level down. (That is RabbitMQ's word for it: it has
 * nothing to do with the dead letters of a queue.) No message waits behind a longer delay, and a message moves at most
 * four times.
 *
 * | level | one step | steps |
 * |---|---|---|
 * | 0 | 2^5 ms = 32 ms | 1 to 31 |
 * | 1 | 2^10 ms, about 1 s | 1 to 31 |
 * | 2 | 2^15 ms, about 33 s | 1 to 31 |
 * | 3 | 2^20 ms, about 17 min | 1 to 31 |
 * | 4 | 2^25 ms, about 9.3 h | 1 to 127 |
 */
export const LEVELS = [0, 1, 2, 3, 4] as const;
export const TOP_LEVEL = 4;
const STEPS = 32;
const TOP_STEPS = 128;
const FINEST_MS = 32;
const SECOND_MS = FINEST_MS * STEPS;
/**
 * Shorter delays are exact to 32 ms, longer ones to a second: two moves are enough for short delays, four for a month.
 */
const FINE_BELOW_MS = SECOND_MS * STEPS;

/** Sum of all steps: 49 days. The time to live of a queue is a number of milliseconds with 32 bits. */
export const LONGEST_DELAY_MS = TOP_STEPS * stepMs(TOP_LEVEL) - SECOND_MS;

/** Wait of one step of a level, in milliseconds. */
export function stepMs(level: number): number {
  return FINEST_MS * STEPS ** level;
}

export function stepsOf(level: number): number {
  return level === TOP_LEVEL ? TOP_STEPS : STEPS;
}

/** A step count for each level, highest first. Their sum is never less than the delay. */
export type LadderPath = readonly number[];

/** The paths of all rungs, with one rung each. */
export function allRungs(): LadderPath[] {
  return LEVELS.flatMap((level) =>
    Array.from({ length: stepsOf(level) - 1 }, (_, index) => ladderPath((index + 1) * stepMs(level))),
  );
}

/** @param delayMs more than 0, at most `LONGEST_DELAY_MS` */
export function ladderPath(delayMs: number): LadderPath {
  const grain = delayMs < FINE_BELOW_MS ? FINEST_MS : SECOND_MS;
  let left = Math.ceil(delayMs / grain) * grain;
  return LEVELS.toReversed().map((level) => {
    const steps = Math.floor(left / stepMs(level));
    left -= steps * stepMs(level);
    return steps;
  });
}
