import type { Duration } from '../clock/duration.ts';
import { checkOptions, type OptionNames } from '../errors/check-options.ts';
import { addJitter, checkJitter, type JitterOptions } from './jitter.ts';
import type { RetryPolicy } from './retry-policy.ts';
import { waitBounds } from './wait-bounds.ts';

/** What `linear` takes; no wait is longer than `max`, its jitter included. */
export interface LinearOptions extends JitterOptions {
  /** Wait before retry 1, and what each further wait is longer by. @default 15 s */
  readonly delay?: Duration | undefined;
  /** Longest wait; not shorter than `delay`. @default 1 h, or `delay` where that is longer */
  readonly max?: Duration | undefined;
}

const LINEAR_OPTIONS: OptionNames<LinearOptions> = { delay: true, max: true, jitter: true, random: true };

/**
 * Waits that grow by the same amount: before retry n, `delay × n`.
 * @throws ConfigError for an option out of range
 */
export function linear(options: LinearOptions = {}): RetryPolicy {
  checkOptions(options, LINEAR_OPTIONS, 'linear');
  const { delayMs, maxMs } = waitBounds('linear', options);
  checkJitter('linear', options.jitter);
  return {
    next: ({ attempt }) => `${Math.min(addJitter(Math.min(delayMs * attempt, maxMs), options), maxMs)}ms`,
  };
}
