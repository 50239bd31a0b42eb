import { UnsupportedFeatureError } from '../errors/errors.ts';

/**
 * Checks that the broker can delay messages that a limit refuses.
 * @param of what has limits, for the error: `task charge`
 * @throws UnsupportedFeatureError (`DELAY_UNSUPPORTED`)
 */
export function checkLimitDelays(of: string, maxDelayMs: number): void {
  if (maxDelayMs > 0) return;
  throw new UnsupportedFeatureError(
    `${of} has limits, and this broker cannot delay messages that must wait; use a broker that can, such as redis://`,
    { code: 'DELAY_UNSUPPORTED' },
  );
}
