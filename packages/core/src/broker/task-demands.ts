import { ConfigError, UnsupportedFeatureError } from '../errors/errors.ts';
import type { BrokerCapabilities } from './broker.ts';

/**
 * What a task asks of the broker that its messages go through: asked by whoever sends, so that nothing is stored that no
 * worker will start on, and by whoever serves.
 * @throws ConfigError (`TIMEOUT_OVER_LIMIT`) where the server would take a message away before its attempt's time is over
 * @throws UnsupportedFeatureError (`DELAY_UNSUPPORTED`) where it retries and the broker cannot delay
 */
export function checkDemands(
  { timeoutLimit, maxDelayMs }: BrokerCapabilities,
  task: string,
  timeoutMs: number,
  maxRetries: number,
): void {
  if (timeoutLimit !== undefined && timeoutMs >= timeoutLimit.ms) {
    throw new ConfigError(
      `task ${task}: a timeout of ${timeoutMs / 1_000} s reaches the ${timeoutLimit.ms / 1_000} s that ${timeoutLimit.setting}; shorten it, or raise that`,
      { code: 'TIMEOUT_OVER_LIMIT' },
    );
  }
  if (maxRetries > 0 && maxDelayMs === 0) {
    throw new UnsupportedFeatureError(
      `task ${task} retries, and this broker cannot delay messages; set maxRetries to 0`,
      { code: 'DELAY_UNSUPPORTED' },
    );
  }
}
