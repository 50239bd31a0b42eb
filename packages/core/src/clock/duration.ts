import { ConfigError } from '../errors/errors.ts';
import { shown } from '../errors/kind-of.ts';

/**
 * A span of time as people write it: a bare number, or a string of digits alone, is seconds (`600`, `'600'`);
 * a string may carry its unit: `'250ms'`, `'30s'`, `'10m'`, `'2h'`, `'7d'`.
 */
export type Duration = number | string;

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const WITH_UNIT = /^(\d+)(ms|s|m|h|d)?$/;

/**
 * Milliseconds of a duration, rounded up.
 * @param option what was set, for the error
 * @throws ConfigError naming the option and what it accepts
 */
export function toMs(duration: Duration, option: string): number {
  const ms = parse(duration);
  if (ms === undefined || !Number.isSafeInteger(ms)) {
    throw new ConfigError(
      `${option}: ${shown(duration)} is no duration; give seconds (600) or a string with its unit: '250ms', '30s', '10m', '2h', '7d'`,
      { code: 'DURATION_INVALID' },
    );
  }
  return ms;
}

function parse(duration: unknown): number | undefined {
  if (typeof duration === 'number') return duration >= 0 ? wholeMs(duration * 1_000) : undefined;
  if (typeof duration !== 'string') return undefined;
  const match = WITH_UNIT.exec(duration);
  if (match === null) return undefined;
  return Number(match[1]) * (UNITS_MS[match[2] ?? 's'] as number);
}

/** Decimal fractions are rarely exact in binary: without the rounding 1.1 s would become 1101 ms. */
function wholeMs(ms: number): number {
  return Math.ceil(Number(ms.toFixed(6)));
}
