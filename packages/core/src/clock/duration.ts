import { ConfigError } from '../errors/errors.ts';
import { shown } from '../errors/kind-of.ts';

/**
 * A length of time. A number, or a string of digits, is seconds: `600`, `'600'`. A string may have a unit: `'250ms'`,
 * `'30s'`, `'10m'`, `'2h'`, `'7d'`.
 */
export type Duration = number | string;

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const WITH_UNIT = /^(\d+)(ms|s|m|h|d)?$/;
/** 27,000 years. A delay and an expiry of this length, added to today, still give a valid `Date`. */
const LONGEST_MS = 10_000_000 * 86_400_000;

/**
 * Converts a duration to milliseconds, rounded up.
 * @param option name of the option, for the error
 * @throws ConfigError (`DURATION_INVALID`) if it is not a duration, or longer than 10,000,000 days
 */
export function toMs(duration: Duration, option: string): number {
  const ms = parse(duration);
  if (ms === undefined || Number.isNaN(ms)) {
    throw invalid(option, "a duration such as '250ms', '30s', '10m', '2h' or '7d', or a number of seconds", duration);
  }
  if (ms > LONGEST_MS) throw invalid(option, 'at most 10,000,000 days', duration);
  return ms;
}

function invalid(option: string, demand: string, duration: unknown): ConfigError {
  return new ConfigError(`${option} must be ${demand}; got ${shown(duration)}`, { code: 'DURATION_INVALID' });
}

function parse(duration: unknown): number | undefined {
  if (typeof duration === 'number') return duration >= 0 ? wholeMs(duration * 1_000) : undefined;
  if (typeof duration !== 'string') return undefined;
  const match = WITH_UNIT.exec(duration);
  if (match === null) return undefined;
  return Number(match[1]) * (UNITS_MS[match[2] ?? 's'] as number);
}

/** Rounds up to whole milliseconds. Few decimal fractions are exact in binary: without `toFixed`, 1.1 s would be 1,101 ms. */
function wholeMs(ms: number): number {
  return Math.ceil(Number(ms.toFixed(6)));
}
