import { type Duration, toMs } from '../clock/duration.ts';
import { ConfigError } from '../errors/errors.ts';

/** How long retries wait where nobody says otherwise. */
const defaults = { delay: '15s', max: '1h' } as const satisfies Record<string, Duration>;

export const DEFAULT_RETRY_DELAY: Duration = defaults.delay;

/**
 * A policy's first wait and its longest, in milliseconds. Where no longest is given it is an hour, or the first wait
 * where that is longer: who asks for a day waits a day.
 * @param policy whose options they are, for the error
 * @throws ConfigError where the longest is shorter than the first
 */
export function waitBounds(
  policy: string,
  { delay, max }: { readonly delay?: Duration | undefined; readonly max?: Duration | undefined },
): { readonly delayMs: number; readonly maxMs: number } {
  const delayMs = toMs(delay ?? defaults.delay, `${policy}.delay`);
  if (max === undefined) return { delayMs, maxMs: Math.max(delayMs, toMs(defaults.max, `${policy}.max`)) };
  const maxMs = toMs(max, `${policy}.max`);
  // With no delay of its own, a policy whose waits are all short is meant.
  if (delay === undefined) return { delayMs: Math.min(delayMs, maxMs), maxMs };
  if (maxMs >= delayMs) return { delayMs, maxMs };
  throw new ConfigError(
    `${policy}: max (${maxMs} ms) is shorter than delay (${delayMs} ms); give a longer max, or leave it out`,
    { code: 'RETRY_POLICY_INVALID' },
  );
}
