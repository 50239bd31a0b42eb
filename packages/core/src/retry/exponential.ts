import type { Duration } from '../clock/duration.ts';
import { checkOptions, type OptionNames } from '../errors/check-options.ts';
import { ConfigError } from '../errors/errors.ts';
import { shown } from '../errors/kind-of.ts';
import { addJitter, checkJitter, type JitterOptions } from './jitter.ts';
import type { RetryPolicy } from './retry-policy.ts';
import { waitBounds } from './wait-bounds.ts';

/** What `exponential` takes; no wait is longer than `max`, its jitter included. */
export interface ExponentialOptions extends JitterOptions {
  /** Wait before retry 1. @default 15 s */
  readonly delay?: Duration | undefined;
  /** What each wait is multiplied by to give the next; 1 or more. @default 2 */
  readonly factor?: number | undefined;
  /** Longest wait; not shorter than `delay`. @default 1 h, or `delay` where that is longer */
  readonly max?: Duration | undefined;
}

const EXPONENTIAL_OPTIONS: OptionNames<ExponentialOptions> = {
  delay: true,
  factor: true,
  max: true,
  jitter: true,
  random: true,
};

/**
 * Waits that grow: before retry n, `delay × factor^(n-1)`.
 * @throws ConfigError for an option out of range
 */
export function exponential(options: ExponentialOptions = {}): RetryPolicy {
  checkOptions(options, EXPONENTIAL_OPTIONS, 'exponential');
  const { delayMs, maxMs } = waitBounds('exponential', options);
  const factor = options.factor ?? 2;
  if (!(factor >= 1 && Number.isFinite(factor))) {
    throw new ConfigError(`exponential: factor is a number of 1 or more, got ${shown(options.factor)}`, {
      code: 'RETRY_POLICY_INVALID',
    });
  }
  checkJitter('exponential', options.jitter);
  return {
    next({ attempt }) {
      // The power becomes infinite one day, and nothing times that is no number.
      const waitMs = delayMs === 0 ? 0 : Math.min(delayMs * factor ** (attempt - 1), maxMs);
      return `${Math.min(addJitter(Math.ceil(waitMs), options), maxMs)}ms`;
    },
  };
}
