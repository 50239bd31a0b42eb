import { type Duration, toMs } from '../clock/duration.ts';
import { systemClock } from '../clock/system-clock.ts';
import { ConfigError } from '../errors/errors.ts';
import { brand } from '../errors/is-a.ts';
import { kindOf } from '../errors/kind-of.ts';
import { type KeyedLimit, LimitKey } from '../limits/limit.ts';
import { RetryLater } from './retry-later.ts';

/** Used if a service did not say when to come back, or if its text cannot be read. */
const DEFAULT_MS = 10_000;
/** A service cannot stop a limit for longer. */
const LONGEST_MS = 86_400_000;
/** `Sun, 06 Nov 1994 08:49:37 GMT`, or the older `Sunday, 06-Nov-94 08:49:37 GMT`. */
const DATE_WITH_ZONE = /^[a-z]{3,9}, \d{2}([ -])[a-z]{3}\1\d{2,4} \d{2}:\d{2}:\d{2} GMT$/i;
/** `Sun Nov  6 08:49:37 1994`, which is in UTC. */
const ASCTIME = /^[a-z]{3} [a-z]{3} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/i;

/**
 * Thrown by a handler that a service has refused because it was called too often. The clock of the limit stands still
 * for `retryAfter`: no message of this limit and key starts anywhere, and all that wait are moved by as much. The same
 * attempt runs again after it, as with `RetryLater`.
 *
 * @param limit a limit: the keys under which the message has it, if any, stand still; or `limit.for(key)`
 * @param retryAfter a duration, a Date, or the text of the header `Retry-After`: seconds, or an HTTP date.
 * A fraction of seconds is rounded up. At most a day.
 * @default 10 s, also for a text that cannot be read
 * @throws ConfigError (`LIMITS_INVALID`) if `limit` is not a limit, (`DURATION_INVALID`) for a number that is not a duration
 * @example
 * if (response.status === 429) throw new RateLimitError(stripe, response.headers.get('retry-after'));
 */
export class RateLimitError extends RetryLater {
  readonly limit: KeyedLimit;

  constructor(limit: KeyedLimit, retryAfter?: Duration | Date | null) {
    if (!LimitKey.is(limit)) {
      throw new ConfigError(
        `RateLimitError: limit must be what tm.limit() returned, or limit.for(key); got ${kindOf(limit)}`,
        { code: 'LIMITS_INVALID' },
      );
    }
    const ms = Math.min(LONGEST_MS, Math.max(1, readRetryAfter(retryAfter)));
    super(`${ms}ms`, `limit ${limit.name} was reached at its service; run again in ${ms} ms`);
    this.limit = limit;
  }
}

function readRetryAfter(retryAfter: unknown): number {
  if (retryAfter === undefined || retryAfter === null) return DEFAULT_MS;
  if (retryAfter instanceof Date) return msUntil(retryAfter.getTime());
  if (typeof retryAfter === 'number') return toMs(retryAfter, 'RateLimitError: retryAfter');
  // Text comes from the service: an unreadable one must not become an error of the task.
  if (typeof retryAfter !== 'string') return toMs(retryAfter as Duration, 'RateLimitError: retryAfter');
  const text = retryAfter.trim();
  if (/^\d{1,9}(ms|s|m|h|d)?$/.test(text)) return toMs(text, 'RateLimitError: retryAfter');
  if (/^\d+$/.test(text)) return LONGEST_MS;
  // RFC 9110 has whole seconds only; some services send fractions.
  if (/^\d{1,9}\.\d{1,20}$/.test(text)) return Math.ceil(Number(text)) * 1_000;
  return msUntil(readHttpDate(text));
}

/** @returns epoch milliseconds; NaN for another text. `Date.parse` alone reads `-5` and `1.5` as days of 2001. */
function readHttpDate(text: string): number {
  if (DATE_WITH_ZONE.test(text)) return Date.parse(text);
  return ASCTIME.test(text) ? Date.parse(`${text} GMT`) : Number.NaN;
}

function msUntil(at: number): number {
  return Number.isNaN(at) ? DEFAULT_MS : Math.ceil(at - systemClock.now());
}

brand(RateLimitError, 'RateLimitError');
