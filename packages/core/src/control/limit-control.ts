import type { Broker } from '../broker/broker.ts';
import type { LimitRule, LimitStore } from '../broker/limit-store.ts';
import { ConfigError, UnsupportedFeatureError } from '../errors/errors.ts';
import { shown } from '../errors/kind-of.ts';
import { isLimitName } from '../limits/limit-registry.ts';
import type { RuleOptions } from '../limits/limit-rule.ts';
import { LimitSettings } from '../limits/limit-settings.ts';
import { controlSignal } from './control-signals.ts';

export interface LimitControlPorts {
  readonly broker: () => Promise<Broker>;
  readonly store: () => Promise<LimitStore>;
  /** The limits that the manager defines. */
  readonly names: () => readonly string[];
}

/** The limits of the running system, for every process: what they hold, and rules that are set at run time. */
export class LimitControl {
  readonly #ports: LimitControlPorts;

  constructor(ports: LimitControlPorts) {
    this.#ports = ports;
  }

  /** The store that counts permits. @throws ConfigError (`STORE_MISSING`) if there is no such store */
  store(): Promise<LimitStore> {
    return this.#ports.store();
  }

  /** Names of the limits that this manager defines: limits of other applications are not among them. */
  names(): readonly string[] {
    return this.#ports.names();
  }

  /** The options that were set at run time; `undefined` if the rule of the code applies. */
  async setOptions(name: string): Promise<RuleOptions | undefined> {
    return (await this.#settings()).optionsOf(checked(name));
  }

  /**
   * Sets the rule of a limit. It wins over that of the code in all workers, within a second, or a minute if a signal is
   * missed. Messages that wait for a rate get new times.
   * @throws ConfigError (`OPTIONS_INVALID`, `OPTION_UNKNOWN`, `LIMIT_INVALID`) that names the option
   * @throws ConfigError (`STORE_MISSING`) if no store counts permits: nothing is set
   */
  async set(name: string, options: RuleOptions): Promise<void> {
    const settings = await this.#settings();
    // Before anything is set: a rule that is refused must not apply once there is a store.
    const store = await this.#ports.store();
    const rule = await settings.set(checked(name), options);
    await this.#changed(store, name, rule);
  }

  /** Lets the rule of the code apply again. @throws as `set` */
  async reset(name: string): Promise<void> {
    const settings = await this.#settings();
    const store = await this.#ports.store();
    await settings.reset(checked(name));
    await this.#changed(store, name);
  }

  async #settings(): Promise<LimitSettings> {
    const { states } = await this.#ports.broker();
    if (states !== undefined) return new LimitSettings(states);
    throw new UnsupportedFeatureError('this broker keeps no state: limits cannot be set at run time', {
      code: 'LIMITS_UNSUPPORTED',
    });
  }

  /** Notifies the workers, and makes the messages ready that wait for a time of the old rule. */
  async #changed(store: LimitStore, name: string, rule?: LimitRule): Promise<void> {
    const { signals, messages } = await this.#ports.broker();
    await signals?.send(controlSignal('limit', { limit: name }));
    for (;;) {
      const waiting = await store.reschedule(name, rule);
      if (waiting.length === 0 || messages === undefined) return;
      const queues = new Set(waiting.map(({ queue }) => queue));
      for (const queue of queues) {
        await messages.promote(
          queue,
          waiting.flatMap((waiter) => (waiter.queue === queue ? [waiter.id] : [])),
        );
      }
    }
  }
}

function checked(name: string): string {
  if (isLimitName(name)) return name;
  throw new ConfigError(`limit ${shown(name)}: use the name of tm.limit(), or queue:NAME for the limit of a queue`, {
    code: 'LIMIT_INVALID',
  });
}
