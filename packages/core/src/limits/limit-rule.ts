import type { LimitRule } from '../broker/limit-store.ts';
import { type Duration, toMs } from '../clock/duration.ts';
import { ConfigError } from '../errors/errors.ts';
import { shown } from '../errors/kind-of.ts';

/** The part of a limit that can be set at run time. */
export interface RuleOptions {
  readonly concurrency?: number | undefined;
  readonly rate?: number | undefined;
  readonly per?: Duration | undefined;
  readonly burst?: number | undefined;
}

const MOST = 1_000_000;
const LONGEST_MS = 30 * 86_400_000;
const DEFAULT_PER = '1s';

/**
 * An interval is a microsecond longer than the rate asks for, or a thousandth if that is less: so that of a rate of one a
 * second 60 messages start in a minute, and not the 61st with its last instant.
 */
const LONGER_MS = 0.001;

/**
 * Reads a rule from its options.
 * @param of name of the limit, for the error
 * @throws ConfigError (`LIMIT_INVALID`) that names the option
 */
export function limitRule({ concurrency, rate, per, burst }: RuleOptions, of: string): LimitRule {
  if (concurrency === undefined && rate === undefined)
    throw invalid(of, 'give a rate, such as { rate: 100, per: "1s" }, or a concurrency, such as { concurrency: 10 }');
  if (concurrency !== undefined) {
    if (rate !== undefined || per !== undefined || burst !== undefined)
      throw invalid(
        of,
        'concurrency cannot be combined with rate, per or burst; define two limits, and give a task both',
      );
    return { kind: 'concurrency', slots: whole(concurrency, of, 'concurrency') };
  }
  const perMs = toMs(per === undefined ? DEFAULT_PER : per, `${of}: per`);
  if (perMs === 0 || perMs > LONGEST_MS)
    throw invalid(of, `per must be longer than 0 and at most 30 days; got ${shown(per)}`);
  const exactMs = perMs / whole(rate, of, 'rate', Math.max(MOST, MOST * (perMs / 1_000)));
  if (exactMs * MOST < 1_000) throw invalid(of, `at most 1,000,000 starts a second; got ${rate} in ${perMs} ms`);
  const intervalMs = exactMs + Math.min(LONGER_MS, exactMs / 1_000);
  return { kind: 'rate', intervalMs, burst: whole(burst === undefined ? 1 : burst, of, 'burst') };
}

function whole(value: unknown, of: string, option: string, most = MOST): number {
  if (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= most) return value as number;
  throw invalid(of, `${option} must be a whole number, 1 to ${most.toLocaleString('en-US')}; got ${shown(value)}`);
}

/** The error of an invalid limit. */
export function invalid(of: string, problem: string): ConfigError {
  return new ConfigError(`${of}: ${problem}`, { code: 'LIMIT_INVALID' });
}
