import { ConfigError } from '../errors/errors.ts';
import type { Broker } from './broker.ts';

/** @throws ConfigError where the server would take the message away before the attempt's time is over */
export function checkTimeoutLimit({ capabilities }: Broker, task: string, timeoutMs: number): void {
  const { timeoutLimit } = capabilities;
  if (timeoutLimit === undefined || timeoutMs < timeoutLimit.ms) return;
  throw new ConfigError(
    `task ${task}: a timeout of ${timeoutMs / 1_000} s reaches the ${timeoutLimit.ms / 1_000} s that ${timeoutLimit.setting}; shorten it, or raise that`,
    { code: 'TIMEOUT_OVER_LIMIT' },
  );
}
