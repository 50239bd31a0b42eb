import { type Duration, toMs } from '../clock/duration.ts';
import { BrokkrError } from '../errors/brokkr-error.ts';
import { brand } from '../errors/is-a.ts';

/**
 * Thrown by a handler to run the same attempt again later. It does not count as a failure. The task option
 * `maxRetryLater` limits it; without the option there is no limit.
 *
 * @param delay time until the message may start again
 * @param reason shown in the log
 * @throws ConfigError (`DURATION_INVALID`) if `delay` is not a duration
 * @example
 * if (response.status === 429) throw new RetryLater('30s', 'rate limit');
 */
export class RetryLater extends BrokkrError {
  readonly delayMs: number;

  constructor(delay: Duration, reason?: string) {
    const delayMs = toMs(delay, 'RetryLater: delay');
    super(reason ?? `run again in ${delayMs} ms`, { code: 'RETRY_LATER' });
    this.delayMs = delayMs;
  }
}

// A handler may throw one that comes from a library with its own copy of this package.
brand(RetryLater, 'RetryLater');
