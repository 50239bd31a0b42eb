import type { Duration } from '../clock/duration.ts';
import { checkOptions, type OptionNames } from '../errors/check-options.ts';
import { addJitter, checkJitter, type JitterOptions } from './jitter.ts';
import type { RetryPolicy } from './retry-policy.ts';
import { waitBounds } from './wait-bounds.ts';

/** Options of `fixed`. No wait is longer than `max`, its jitter included. */
export interface FixedOptions extends JitterOptions {
  /** Wait before every retry. @default 15 s */
  readonly delay?: Duration | undefined;
  /** Longest wait; it limits the jitter. @default 1 h, or `delay` if that is longer */
  readonly max?: Duration | undefined;
}

const FIXED_OPTIONS: OptionNames<FixedOptions> = { delay: true, max: true, jitter: true, random: true };

/**
 * Returns a retry policy that waits equally long before every retry.
 * @throws ConfigError (`RETRY_POLICY_INVALID`) if an option is out of range
 * @example
 * tm.task({ name: 'poll', retry: fixed({ delay: '30s' }) }, poll);
 */
export function fixed(options: FixedOptions = {}): RetryPolicy {
  checkOptions(options, FIXED_OPTIONS, 'fixed');
  const { delayMs, maxMs } = waitBounds('fixed', options);
  checkJitter('fixed', options.jitter);
  return { next: () => `${Math.min(addJitter(delayMs, options), maxMs)}ms` };
}

/**
 * Returns a retry policy without retries: the message becomes a dead letter after its first failed attempt.
 * @example
 * tm.task({ name: 'charge', retry: none() }, charge);
 */
export function none(): RetryPolicy {
  return { next: () => null };
}
