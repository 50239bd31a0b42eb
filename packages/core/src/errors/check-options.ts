import { ConfigError } from './errors.ts';
import { kindOf } from './kind-of.ts';

/** The names of every option of `T`: one that is left out, or that `T` lacks, does not compile. */
export type OptionNames<T> = Readonly<Record<keyof T, true>>;

/** Edits that turn one name into another, as a share of the longer: up to here they are taken for the same. */
const ALIKE = 0.45;

/**
 * Types let no unknown option through; JavaScript does, and a misspelled option would be no option at all.
 * @param of whose options they are, for the error
 * @throws ConfigError naming what is unknown, with the nearest known option, or where `options` is no object
 */
export function checkOptions(options: unknown, known: Readonly<Record<string, true>>, of: string): void {
  if (typeof options !== 'object' || options === null) {
    throw new ConfigError(`${of}: an object with options is needed, got ${kindOf(options)}`, {
      code: 'OPTIONS_INVALID',
    });
  }
  const unknown = Object.keys(options).filter((name) => !Object.hasOwn(known, name));
  if (unknown.length === 0) return;
  const told = unknown.map((name) => `unknown option \`${name.slice(0, 60)}\`; ${advice(name, Object.keys(known))}`);
  throw new ConfigError(`${of}: ${told.join('; ')}`, { code: 'OPTION_UNKNOWN' });
}

/** The nearest of the names that are known, or all of them, for an error about one that is not. */
export function advice(name: string, known: readonly string[]): string {
  const near = known
    .map((option) => ({ option, share: unlikeness(bare(name), bare(option)) }))
    .reduce((best, each) => (each.share < best.share ? each : best));
  return near.share <= ALIKE ? `did you mean \`${near.option}\`?` : `known are ${known.join(', ')}`;
}

/** `TASK_BROKER_URL`, `broker_url` and `brokerURL` are meant for `brokerUrl`. */
function bare(name: string): string {
  return name
    .slice(0, 60)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
}

/** Levenshtein's distance, two letters that changed places counted as one edit, as a share of the longer name. */
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
