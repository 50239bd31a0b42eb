import { type Duration, toMs } from '../clock/duration.ts';
import { ConfigError } from '../errors/errors.ts';

/** Default waits of all retry policies. */
const defaults = { delay: '15s', max: '1h' } as const satisfies Record<string, Duration>;

export const DEFAULT_RETRY_DELAY: Duration = defaults.delay;

/**
 * Returns the first and the longest wait of a policy. The default of `max` is an hour, or `delay` if that is longer: a
 * policy with a delay of one day waits a day.
 * @param policy its name, for the error
 * @returns milliseconds
 * @throws ConfigError (`RETRY_POLICY_INVALID`) if `max` is shorter than `delay`
 */
export function waitBounds(
  policy: string,
  { delay, max }: { readonly delay?: Duration | undefined; readonly max?: Duration | undefined },
): { readonly delayMs: number; readonly maxMs: number } {
  const delayMs = toMs(delay ?? defaults.delay, `${policy}.delay`);
  if (max === undefined) return { delayMs, maxMs: Math.max(delayMs, toMs(defaults.max, `${policy}.max`)) };
  const maxMs = toMs(max, `${policy}.max`);
  // A `max` below the default delay shortens the delay.
  if (delay === undefined) return { delayMs: Math.min(delayMs, maxMs), maxMs };
  if (maxMs >= delayMs) return { delayMs, maxMs };
  throw new ConfigError(
    `${policy}: max (${maxMs} ms) must not be shorter than delay (${delayMs} ms); give a longer max, or leave it out`,
    { code: 'RETRY_POLICY_INVALID' },
  );
}
