import { ConfigError } from './errors.ts';
import { kindOf } from './kind-of.ts';
import { nearestName } from './nearest-name.ts';

/** The names of all options of `T`. A missing or an additional name does not compile. */
export type OptionNames<T> = Readonly<Record<keyof T, true>>;

/**
 * Checks that `options` is an object without unknown options. TypeScript refuses them; JavaScript would ignore a
 * misspelled one.
 * @param of owner of the options, for the error
 * @throws ConfigError (`OPTION_UNKNOWN`) naming each unknown option, with the nearest known one
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
  const parts = unknown.map((name) => `unknown option \`${name.slice(0, 60)}\`; ${advice(name, Object.keys(known))}`);
  throw new ConfigError(`${of}: ${parts.join('; ')}`, { code: 'OPTION_UNKNOWN' });
}

/** The nearest of the known names, or all of them, for an error about an unknown one. */
export function advice(name: string, known: readonly string[]): string {
  const near = nearestName(name, known);
  return near === undefined ? `known are ${known.join(', ')}` : `did you mean \`${near}\`?`;
}
