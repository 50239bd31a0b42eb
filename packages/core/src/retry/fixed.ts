import type { Duration } from '../clock/duration.ts';
import { checkOptions, type OptionNames } from '../errors/check-options.ts';
import { addJitter, checkJitter, type JitterOptions } from './jitter.ts';
import type { RetryPolicy } from './retry-policy.ts';
import { waitBounds } from './wait-bounds.ts';

/** What `fixed` takes; no wait is longer than `max`, its jitter included. */
export interface FixedOptions extends JitterOptions {
  /** Wait before every retry. @default 15 s */
  readonly delay?: Duration | undefined;
  /** Longest wait, which matters where there is jitter. @default 1 h, or `delay` where that is longer */
  readonly max?: Duration | undefined;
}

const FIXED_OPTIONS: OptionNames<FixedOptions> = { delay: true, max: true, jitter: true, random: true };

/**
 * The same wait before every retry.
 * @throws ConfigError for an option out of range
 */
export function fixed(options: FixedOptions = {}): RetryPolicy {
  checkOptions(options, FIXED_OPTIONS, 'fixed');
  const { delayMs, maxMs } = waitBounds('fixed', options);
  checkJitter('fixed', options.jitter);
  return { next: () => `${Math.min(addJitter(delayMs, options), maxMs)}ms` };
}

/** Never again: the first failure dead-letters. */
export function none(): RetryPolicy {
  return { next: () => null };
}
