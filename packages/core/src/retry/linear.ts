import type { Duration } from '../clock/duration.ts';
import { checkOptions, type OptionNames } from '../errors/check-options.ts';
import { addJitter, checkJitter, type JitterOptions } from './jitter.ts';
import type { RetryPolicy } from './retry-policy.ts';
import { waitBounds } from './wait-bounds.ts';

/** Options of `linear`. No wait is longer than `max`, its jitter included. */
export interface LinearOptions extends JitterOptions {
  /** Wait before retry 1, and the difference of each further wait. @default 15 s */
  readonly delay?: Duration | undefined;
  /** Longest wait; not shorter than `delay`. @default 1 h, or `delay` if that is longer */
  readonly max?: Duration | undefined;
}

const LINEAR_OPTIONS: OptionNames<LinearOptions> = { delay: true, max: true, jitter: true, random: true };

/**
 * Returns a retry policy whose waits grow by the same amount: retry n waits `delay × n`.
 * @throws ConfigError (`RETRY_POLICY_INVALID`) if an option is out of range
 * @example
 * tm.task({ name: 'sync', retry: linear({ delay: '10s', max: '5m' }) }, sync);
 */
export function linear(options: LinearOptions = {}): RetryPolicy {
  checkOptions(options, LINEAR_OPTIONS, 'linear');
  const { delayMs, maxMs } = waitBounds('linear', options);
  checkJitter('linear', options.jitter);
  return {
    next: ({ attempt }) => `${Math.min(addJitter(Math.min(delayMs * attempt, maxMs), options), maxMs)}ms`,
  };
}
