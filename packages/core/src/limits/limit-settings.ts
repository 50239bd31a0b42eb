import type { LimitRule } from '../broker/limit-store.ts';
import type { StateStore } from '../broker/state-store.ts';
import { BrokkrError } from '../errors/brokkr-error.ts';
import { checkOptions, type OptionNames } from '../errors/check-options.ts';
import { limitRule, type RuleOptions } from './limit-rule.ts';

const RULE: OptionNames<RuleOptions> = { concurrency: true, rate: true, per: true, burst: true };

/**
 * Rules that were set at run time, by `brokkr limits set`. Each wins over the one in the code. Kept by the broker under
 * `limit:<name>`, as JSON of the options.
 */
export class LimitSettings {
  readonly #states: StateStore;

  constructor(states: StateStore) {
    this.#states = states;
  }

  /** @returns `undefined` if none was set, or if the value is not a rule: another program wrote it */
  async ruleOf(name: string): Promise<LimitRule | undefined> {
    const options = await this.optionsOf(name);
    return options === undefined ? undefined : limitRule(options, `limit ${name}`);
  }

  /** The options that were set; `undefined` as for `ruleOf`. */
  async optionsOf(name: string): Promise<RuleOptions | undefined> {
    const text = await this.#states.get(keyOf(name));
    return text === undefined ? undefined : readOptions(text, name);
  }

  /** @throws ConfigError (`LIMIT_INVALID`) that names the option */
  async set(name: string, options: RuleOptions): Promise<LimitRule> {
    checkOptions(options, RULE, `limit ${name}`);
    const rule = limitRule(options, `limit ${name}`);
    const { concurrency, rate, per, burst } = options;
    await this.#states.set(keyOf(name), JSON.stringify({ concurrency, rate, per, burst }));
    return rule;
  }

  /** Lets the rule of the code apply again. */
  async reset(name: string): Promise<void> {
    await this.#states.set(keyOf(name), undefined);
  }
}

function keyOf(name: string): string {
  return `limit:${name}`;
}

function readOptions(text: string, name: string): RuleOptions | undefined {
  try {
    const options: unknown = JSON.parse(text);
    if (typeof options !== 'object' || options === null) return undefined;
    limitRule(options as RuleOptions, `limit ${name}`);
    return options as RuleOptions;
  } catch (error) {
    if (error instanceof SyntaxError || BrokkrError.is(error)) return undefined;
    throw error;
  }
}
