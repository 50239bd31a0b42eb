import type { LimitRule } from '../broker/limit-store.ts';
import { checkOwnQueueName } from '../broker/names.ts';
import { checkOptions, type OptionNames } from '../errors/check-options.ts';
import { ConfigError } from '../errors/errors.ts';
import { shown } from '../errors/kind-of.ts';
import { DefinedLimit, LimitKey, type Limit, type LimitOptions } from './limit.ts';
import { invalid, limitRule } from './limit-rule.ts';

const OPTIONS: OptionNames<LimitOptions> = {
  name: true,
  queue: true,
  concurrency: true,
  rate: true,
  per: true,
  burst: true,
};

const NAME = /^[A-Za-z0-9._-]{1,60}$/;
/** Prefix of the name of a queue's limit. No given name has a colon. */
const OF_QUEUE = 'queue:';

/** The limits of one manager by name. */
export class LimitRegistry {
  readonly #limits = new Map<string, DefinedLimit>();

  get size(): number {
    return this.#limits.size;
  }

  /**
   * Defines a limit. The same definition again returns the known one: a module may be loaded twice.
   * @throws ConfigError (`LIMIT_INVALID`) that names the option, (`LIMIT_DEFINED_TWICE`) for another rule of this name
   */
  define(options: LimitOptions): Limit {
    checkOptions(options, OPTIONS, 'limit');
    const name = nameOf(options);
    const rule = limitRule(options, options.queue === undefined ? `limit ${name}` : `limit of queue ${options.queue}`);
    const known = this.#limits.get(name);
    if (known === undefined) {
      const limit = new DefinedLimit(this, name, rule);
      this.#limits.set(name, limit);
      return limit;
    }
    if (isSame(known.rule, rule)) return known;
    throw new ConfigError(
      `limit ${name} is defined twice, with different options; define it once, and share what tm.limit() returned`,
      { code: 'LIMIT_DEFINED_TWICE' },
    );
  }

  names(): readonly string[] {
    return [...this.#limits.keys()];
  }

  ruleOf(name: string): LimitRule | undefined {
    return this.#limits.get(name)?.rule;
  }

  /** Name of the limit of a queue, if it has one. */
  nameOfQueue(queue: string): string | undefined {
    // Asked at each fetch: without limits no name is built.
    if (this.#limits.size === 0) return undefined;
    const name = OF_QUEUE + queue;
    return this.#limits.has(name) ? name : undefined;
  }

  /** Whether a value is a limit of this manager, or a key of one. */
  owns(value: unknown): value is LimitKey {
    return LimitKey.is(value) && value.isOf(this);
  }
}

/** Whether a text may be the name of a limit: that of `tm.limit({ name })`, or of a queue's limit. */
export function isLimitName(name: unknown): name is string {
  return typeof name === 'string' && name.length <= 130 && /^(queue:)?[A-Za-z0-9._-]+$/.test(name);
}

function nameOf({ name, queue }: LimitOptions): string {
  if (name !== undefined && queue !== undefined)
    throw invalid('limit', 'name and queue cannot be combined; the limit of a queue is named after it');
  if (queue !== undefined) {
    checkOwnQueueName(queue);
    return OF_QUEUE + queue;
  }
  if (typeof name === 'string' && NAME.test(name)) return name;
  throw invalid('limit', `name must be 1 to 60 characters of A-Z a-z 0-9 . _ -, or give a queue; got ${shown(name)}`);
}

function isSame(one: LimitRule, other: LimitRule): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
