import { inspect } from 'node:util';

/**
 * Makes `JSON.stringify` and `util.inspect` show the result of `shown` instead of `target`, and with them everything
 * that prints objects. A copy made by spread shows its own fields again.
 */
export function hideSecrets<T extends object>(target: T, shown: () => unknown): T {
  for (const key of ['toJSON', inspect.custom]) Object.defineProperty(target, key, { value: shown });
  return target;
}
