import { ConfigError } from '@brokkr/core';
import { shown } from '@brokkr/core/adapter';

/** The error of a wrong option: `job "nightly": hour must be a cron field; got 2.5`. */
export function wrong(id: string, field: string, problem: string, cause?: unknown): ConfigError {
  return new ConfigError(`job ${JSON.stringify(id)}: ${field} ${problem}`, { code: 'JOB_INVALID', cause });
}

/** As `wrong`, with the value at fault. */
export function mustBe(id: string, field: string, demand: string, value: unknown): ConfigError {
  return wrong(id, field, `must be ${demand}; got ${shown(value)}`);
}
