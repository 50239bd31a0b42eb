import { ConfigError } from '../errors/errors.ts';
import { kindOf, shown } from '../errors/kind-of.ts';
import type { KeyedLimit } from './limit.ts';
import type { LimitRegistry } from './limit-registry.ts';

/** The limits of a message, computed from its arguments; or the limits of every message of the task. */
export type TaskLimits = readonly KeyedLimit[] | ((...args: never) => readonly KeyedLimit[]);

/** Most limits of one message. */
export const MOST_LIMITS = 8;

/**
 * Checks the option `limits` when a task is defined. A function is checked when it is called.
 * @param option name of task and option, for the error
 * @throws ConfigError (`LIMITS_INVALID`)
 */
export function checkTaskLimits(limits: unknown, option: string): TaskLimits | undefined {
  if (limits === undefined || Array.isArray(limits)) return limits as TaskLimits | undefined;
  if (typeof limits !== 'function')
    throw invalid(option, `must be a list of limits, or a function that returns one; got ${kindOf(limits)}`);
  if (/Async|Generator/.test(Object.prototype.toString.call(limits)))
    throw invalid(option, 'must return a list of limits at once; it is async or a generator');
  return limits as TaskLimits;
}

/**
 * Checks a list of limits.
 * @throws ConfigError (`LIMITS_INVALID`) for anything else, and for a limit of another manager
 */
export function checkLimitList(given: unknown, option: string, registry: LimitRegistry): readonly KeyedLimit[] {
  if (!Array.isArray(given)) throw invalid(option, `must be a list of limits; got ${kindOf(given)}`);
  if (given.length > MOST_LIMITS)
    throw invalid(option, `must be at most ${MOST_LIMITS} for a message; got ${given.length}`);
  for (const limit of given as readonly unknown[]) {
    if (registry.owns(limit)) continue;
    throw invalid(
      option,
      `must each be a limit that tm.limit() of the same task manager returned, or limit.for(key); got ${kindOf(limit)}${isNamed(limit) ? ` named ${limit.name}` : ''}`,
    );
  }
  return given as readonly KeyedLimit[];
}

/**
 * Checks the list of limits of a task when it is defined: a limit that is named twice is a mistake.
 * @param option name of task and option, for the error
 * @throws ConfigError (`LIMITS_INVALID`) as `checkLimitList`, and for a limit with the same key again
 */
export function checkFixedLimits(given: unknown, option: string, registry: LimitRegistry): void {
  const named = new Set<string>();
  for (const limit of checkLimitList(given, option, registry)) {
    const place = placeOf(limit);
    if (named.has(place)) {
      const key = limit.key === '' ? '' : ` with the key ${shown(limit.key)}`;
      throw invalid(option, `must name each limit once; got ${limit.name}${key} twice`);
    }
    named.add(place);
  }
}

/**
 * The limits of a message, as its header carries them. One that the function returns twice counts once: for a transfer,
 * `[account.for(from), account.for(to)]` may be the same account.
 * @returns `undefined` if it has none
 * @throws ConfigError (`LIMITS_FAILED`) if the function throws, with its error as `cause`; (`LIMITS_INVALID`) if it does
 * not return limits
 */
export function limitHeader(
  task: string,
  limits: TaskLimits,
  args: readonly unknown[],
  registry: LimitRegistry,
): string | undefined {
  const option = `task ${task}: limits`;
  const list = checkLimitList(typeof limits === 'function' ? computed(limits, args, option) : limits, option, registry);
  if (list.length === 0) return undefined;
  const named = new Map(list.map((limit) => [placeOf(limit), limit]));
  return JSON.stringify([...named.values()].map(({ name, key }) => [name, key]));
}

/** No name of a limit has a space. */
function placeOf({ name, key }: KeyedLimit): string {
  return `${name} ${key}`;
}

function computed(limits: Exclude<TaskLimits, readonly KeyedLimit[]>, args: readonly unknown[], option: string) {
  try {
    return (limits as (...args: readonly unknown[]) => unknown)(...args);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : kindOf(cause);
    throw new ConfigError(`${option}: the function threw for these arguments: ${why}; nothing was sent`, {
      code: 'LIMITS_FAILED',
      cause,
    });
  }
}

function isNamed(value: unknown): value is { readonly name: string } {
  return typeof (value as { readonly name?: unknown } | null)?.name === 'string';
}

function invalid(option: string, problem: string): ConfigError {
  return new ConfigError(`${option} ${problem}`, { code: 'LIMITS_INVALID' });
}
