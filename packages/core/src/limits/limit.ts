import type { LimitRule } from '../broker/limit-store.ts';
import type { Duration } from '../clock/duration.ts';
import { ConfigError } from '../errors/errors.ts';
import { keyProblem } from '../errors/key-problem.ts';

/** A limit, or one key of it, as the task option `limits` and `RateLimitError` take it. */
export interface KeyedLimit {
  /** Name of the limit. */
  readonly name: string;
  /** The key that counts by itself; empty for the limit without a key. */
  readonly key: string;
}

/** A limit that `tm.limit()` returned. Tasks that share it share its starts or slots. */
export interface Limit extends KeyedLimit {
  /**
   * Returns the limit for one key, such as a customer. Each key counts by itself.
   * @param key 1 to 200 characters
   * @throws ConfigError (`LIMIT_KEY_INVALID`)
   * @example
   * tm.task({ name: 'charge', limits: (id) => [customer.for(id)] }, async (id: string) => {});
   */
  for(key: string): KeyedLimit;
}

/** Options of `tm.limit`: a `rate` or a `concurrency`, under a `name` or for a `queue`. */
export interface LimitOptions {
  /** Name for messages, logs and `brokkr limits`: 1 to 60 characters of `A-Z a-z 0-9 . _ -`. */
  readonly name?: string | undefined;
  /** Limits every message of this queue, whatever its task. Instead of `name`. */
  readonly queue?: string | undefined;
  /** Most runs at the same time, over all workers: a whole number, 1 to 1,000,000. Instead of `rate`. */
  readonly concurrency?: number | undefined;
  /** Starts in each `per`, over all workers: a whole number, 1 or more, at most 1,000,000 a second. */
  readonly rate?: number | undefined;
  /** Time in which `rate` messages may start: at most 30 days. @default '1s' */
  readonly per?: Duration | undefined;
  /**
   * How many messages may start at once after a quiet time: a whole number, 1 to 1,000,000. In any time `t` at most
   * `rate × t / per + burst` messages start. @default 1
   */
  readonly burst?: number | undefined;
}

/** Longest key, in characters. */
const LONGEST_KEY = 200;

/** One key of a limit. The registry that defined it is its owner. */
export class LimitKey implements KeyedLimit {
  readonly name: string;
  readonly key: string;
  readonly #owner: object;

  constructor(owner: object, name: string, key: string) {
    this.#owner = owner;
    this.name = name;
    this.key = key;
  }

  /** Whether `value` is a limit, or a key of one. */
  static is(value: unknown): value is LimitKey {
    return typeof value === 'object' && value !== null && #owner in value;
  }

  isOf(owner: object): boolean {
    return this.#owner === owner;
  }
}

/** A limit with its rule. */
export class DefinedLimit extends LimitKey implements Limit {
  readonly rule: LimitRule;
  readonly #defined: object;

  constructor(owner: object, name: string, rule: LimitRule) {
    super(owner, name, '');
    this.#defined = owner;
    this.rule = rule;
  }

  for(key: string): KeyedLimit {
    const problem = keyProblem(key, LONGEST_KEY);
    if (problem !== undefined) {
      throw new ConfigError(`limit ${this.name}: a key ${problem}`, { code: 'LIMIT_KEY_INVALID' });
    }
    return new LimitKey(this.#defined, this.name, key);
  }
}

/** Whether a value may be the key of a limit: well-formed text of 1 to 200 characters. */
export function isLimitKey(key: unknown): key is string {
  return keyProblem(key, LONGEST_KEY) === undefined;
}
