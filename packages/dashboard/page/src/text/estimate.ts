import { duration } from './duration.ts';

/**
 * A percentile in words: `~240 ms`. Workers count durations by class, and the dashboard takes those of a class as evenly
 * spread, so a percentile is an estimate. The last class has no upper bound: `≥ 5 m`.
 * @param bounds upper bounds of the classes, in milliseconds
 */
export function estimate(ms: number, bounds: readonly number[]): string {
  return isAbove(ms, bounds) ? `≥ ${duration(ms)}` : `~${duration(ms)}`;
}

/** How exact a percentile is: `estimated: between 100 ms and 250 ms`. */
export function exactness(ms: number, bounds: readonly number[]): string {
  if (isAbove(ms, bounds)) return `at least ${duration(ms)}: workers count longer times together`;
  const index = bounds.findIndex((bound) => ms <= bound);
  return `estimated: between ${duration(bounds[index - 1] ?? 0)} and ${duration(bounds[index] ?? ms)}`;
}

function isAbove(ms: number, bounds: readonly number[]): boolean {
  return ms >= (bounds.at(-1) ?? Number.POSITIVE_INFINITY);
}
