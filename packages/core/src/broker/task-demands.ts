import { ConfigError, UnsupportedFeatureError } from '../errors/errors.ts';
import type { BrokerCapabilities } from './broker.ts';

/**
 * Checks that the broker can serve a task. Senders check it, so that they store nothing that no worker will start, and
 * workers check it.
 * @throws ConfigError (`TIMEOUT_OVER_LIMIT`) if the server would take a message back before its attempt times out
 * @throws UnsupportedFeatureError (`DELAY_UNSUPPORTED`) if the task retries and the broker cannot delay messages
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
      `task ${task} retries, and this broker cannot delay messages; set maxRetries to 0, or use a broker that can, such as redis://`,
      { code: 'DELAY_UNSUPPORTED' },
    );
  }
}
