import type { Duration } from '../clock/duration.ts';
import { checkOptions, type OptionNames } from '../errors/check-options.ts';
import { ConfigError } from '../errors/errors.ts';
import { shown } from '../errors/kind-of.ts';
import { addJitter, checkJitter, type JitterOptions } from './jitter.ts';
import type { RetryPolicy } from './retry-policy.ts';
import { waitBounds } from './wait-bounds.ts';

/** Options of `exponential`. No wait is longer than `max`, its jitter included. */
export interface ExponentialOptions extends JitterOptions {
  /** Wait before retry 1. @default 15 s */
  readonly delay?: Duration | undefined;
  /** Factor from each wait to the next: 1 or more. @default 2 */
  readonly factor?: number | undefined;
  /** Longest wait; not shorter than `delay`. @default 1 h, or `delay` if that is longer */
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
 * Returns a retry policy whose waits grow exponentially: retry n waits `delay × factor^(n-1)`.
 * @throws ConfigError (`RETRY_POLICY_INVALID`) if an option is out of range
 * @example
 * tm.task({ name: 'charge', retry: exponential({ delay: '2s', max: '10m', jitter: 0.2 }) }, charge);
 */
export function exponential(options: ExponentialOptions = {}): RetryPolicy {
  checkOptions(options, EXPONENTIAL_OPTIONS, 'exponential');
  const { delayMs, maxMs } = waitBounds('exponential', options);
  const factor = options.factor ?? 2;
  if (!(factor >= 1 && Number.isFinite(factor))) {
    throw new ConfigError(`exponential: factor must be a number, 1 or more; got ${shown(options.factor)}`, {
      code: 'RETRY_POLICY_INVALID',
    });
  }
  checkJitter('exponential', options.jitter);
  return {
    next({ attempt }) {
      // For a high attempt the power is Infinity, and 0 × Infinity would be NaN.
      const waitMs = delayMs === 0 ? 0 : Math.min(delayMs * factor ** (attempt - 1), maxMs);
      return `${Math.min(addJitter(Math.ceil(waitMs), options), maxMs)}ms`;
    },
  };
}
