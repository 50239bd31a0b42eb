import { inspect } from 'node:util';

/**
 * Makes `JSON.stringify` and `util.inspect`, and all that print with them, show the result of `shown` in place of `target`. A copy of
 * `target` that spread makes shows its own fields again.
 */
export function hideSecrets<T extends object>(target: T, shown: () => unknown): T {
  for (const key of ['toJSON', inspect.custom]) Object.defineProperty(target, key, { value: shown });
  return target;
}
