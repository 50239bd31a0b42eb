import { type Duration, toMs } from '../clock/duration.ts';
import { BrokkrError } from '../errors/brokkr-error.ts';
import { brand } from '../errors/is-a.ts';

/**
 * Thrown by a handler: run this same attempt again after exactly `delay`. It counts no attempt, and no cap applies.
 * @throws ConfigError where `delay` is no duration
 */
export class RetryLater extends BrokkrError {
  readonly delayMs: number;

  constructor(delay: Duration, reason?: string) {
    const delayMs = toMs(delay, 'RetryLater');
    super(reason ?? `again in ${delayMs} ms`, { code: 'RETRY_LATER' });
    this.delayMs = delayMs;
  }
}

// A handler may throw one from a library that has a copy of this package of its own.
brand(RetryLater, 'RetryLater');
