import { ConfigError } from './errors.ts';
import { kindOf } from './kind-of.ts';

/** The names of all options of `T`. A missing or an additional name does not compile. */
export type OptionNames<T> = Readonly<Record<keyof T, true>>;

/** Largest distance between a misspelled name and the option that is suggested, as a share of the longer name. */
const ALIKE = 0.45;

/**
 * Checks that `options` is an object with known names only. JavaScript callers have no types to find a misspelled
 * option.
 * @param known the names of all options
 * @param of name of the function or object that takes the options, for the error
 * @throws ConfigError (`OPTION_UNKNOWN`) with the unknown names and the nearest known one
 * @throws ConfigError (`OPTIONS_INVALID`) if `options` is not an object
 */
export function checkOptions(options: unknown, known: Readonly<Record<string, true>>, of: string): void {
  if (typeof options !== 'object' || options === null) {
    throw new ConfigError(`${of}: options must be an object; got ${kindOf(options)}`, {
      code: 'OPTIONS_INVALID',
    });
  }
  const unknown = Object.keys(options).filter((name) => !Object.hasOwn(known, name));
  if (unknown.length === 0) return;
  const told = unknown.map((name) => `unknown option \`${name.slice(0, 60)}\`; ${advice(name, Object.keys(known))}`);
  throw new ConfigError(`${of}: ${told.join('; ')}`, { code: 'OPTION_UNKNOWN' });
}

/** Returns advice for an unknown name: the nearest known name, or a list of all. */
export function advice(name: string, known: readonly string[]): string {
  const near = known
    .map((option) => ({ option, share: unlikeness(bare(name), bare(option)) }))
    .reduce((best, each) => (each.share < best.share ? each : best));
  return near.share <= ALIKE ? `did you mean \`${near.option}\`?` : `known are ${known.join(', ')}`;
}

/** Ignores case and separators, so that `TASK_BROKER_URL`, `broker_url` and `brokerURL` are near `brokerUrl`. */
function bare(name: string): string {
  return name
    .slice(0, 60)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
}

/** Damerau-Levenshtein distance (two swapped letters are one edit), as a share of the longer name. */
function unlikeness(left: string, right: string): number {
  let before: number[] = [];
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [index, sign] of [...left].entries()) {
    const next = [index + 1];
    for (const [column, other] of [...right].entries()) {
      const replaced = (row[column] as number) + (sign === other ? 0 : 1);
      const swapped =
        sign === right[column - 1] && left[index - 1] === other ? (before[column - 1] as number) + 1 : replaced;
      next.push(Math.min(replaced, swapped, (row[column + 1] as number) + 1, (next[column] as number) + 1));
    }
    before = row;
    row = next;
  }
  return (row[right.length] as number) / Math.max(left.length, right.length, 1);
}
