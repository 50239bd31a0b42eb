import { ConfigError } from '../errors/errors.ts';
import { shown } from '../errors/kind-of.ts';
import { LONGEST_TIMER_MS } from './longest-timer.ts';

/**
 * Returns a time limit that a timer of Node can count: a longer one is 24.8 days, because Node would fire it after 1 ms.
 * @param ms time limit in milliseconds
 * @param name of the option, for the error: `new RedisBroker: sendTimeoutMs`
 * @throws ConfigError (`CONFIG_INVALID`) if it is not a number above 0
 */
export function timerMs(ms: number, name: string): number {
  if (typeof ms === 'number' && ms > 0) return Math.min(ms, LONGEST_TIMER_MS);
  throw new ConfigError(`${name} must be a number of milliseconds above 0; got ${shown(ms)}`, {
    code: 'CONFIG_INVALID',
  });
}
