import { ConfigError, UnsupportedFeatureError } from '../errors/errors.ts';

/**
 * Checks that limits can be counted, and refused messages delayed.
 * @param of what has limits, for the error: `task charge`
 * @throws ConfigError (`STORE_MISSING`) if no store counts permits
 * @throws UnsupportedFeatureError (`DELAY_UNSUPPORTED`) if the broker cannot delay messages
 */
export function checkLimitStore(of: string, hasStore: boolean, maxDelayMs: number): void {
  if (!hasStore) {
    throw new ConfigError(
      `${of} has limits, and this broker cannot count permits; set TASK_STORE_URL to a store that can, such as redis://localhost:6379`,
      { code: 'STORE_MISSING' },
    );
  }
  if (maxDelayMs === 0) {
    throw new UnsupportedFeatureError(
      `${of} has limits, and this broker cannot delay messages that must wait; use a broker that can, such as redis://`,
      { code: 'DELAY_UNSUPPORTED' },
    );
  }
}
