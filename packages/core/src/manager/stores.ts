import type { Broker } from '../broker/broker.ts';
import { checkStore } from '../broker/check-broker.ts';
import type { ResultStore } from '../broker/result-store.ts';
import type { Store, StorePart } from '../broker/store.ts';
import { openBroker } from '../config/lazy-broker.ts';
import type { TaskConfig } from '../config/task-config.ts';
import { ConfigError, UnsupportedFeatureError } from '../errors/errors.ts';

export interface StoresOptions {
  /** The store for results that was given to `initialize`. */
  readonly resultStore: ResultStore | undefined;
  /** The store that was given to `initialize`. */
  readonly store: Store | undefined;
  readonly config: TaskConfig;
  readonly broker: Broker;
  readonly makeBroker: (url: string) => Broker;
}

/**
 * Where a manager keeps what is not a message. A part that the broker has is used; if it has none, that of the store of
 * `initialize`, or of `TASK_STORE_URL`. For results, the store that is named for them comes first.
 */
export class Stores {
  readonly #options: StoresOptions;
  /** Brokers that are opened as stores, by URL. */
  readonly #opened = new Map<string, Broker>();

  constructor(options: StoresOptions) {
    this.#options = options;
  }

  /** Whether another store than the broker of the messages may keep the results. */
  get keepsResultsElsewhere(): boolean {
    const { resultStore, store, config } = this.#options;
    return resultStore !== undefined || this.#resultUrl !== undefined || (store ?? config.storeUrl) !== undefined;
  }

  /**
   * Opens the store of a part.
   * @returns `undefined` if neither the broker nor the configured store has it
   */
  async open<P extends StorePart>(part: P): Promise<Store[P]> {
    const own = (await openBroker(this.#options.broker))[part];
    return own ?? (await this.#store())?.[part];
  }

  /**
   * Opens the store of a part that is needed.
   * @param need the task, if it is one that needs the store, and its option or function
   * @throws ConfigError (`STORE_MISSING`) if neither the broker nor the configured store has the part
   */
  async require<P extends StorePart>(
    part: P,
    need: { readonly task?: string; readonly option: string },
  ): Promise<NonNullable<Store[P]>> {
    const found = await this.open(part);
    if (found !== undefined) return found;
    const isGiven = (this.#options.store ?? this.#options.config.storeUrl) !== undefined;
    const problem = isGiven
      ? `neither the broker nor the store of TASK_STORE_URL (or of the option store) has the part ${part}; name a store that has it`
      : `this broker has no part ${part}; set TASK_STORE_URL to a store that has it`;
    const subject = need.task === undefined ? need.option : `task ${need.task}: ${need.option}`;
    throw new ConfigError(`${subject} needs a store, but ${problem}, such as redis://`, {
      code: 'STORE_MISSING',
    });
  }

  /**
   * Opens the store for results.
   * @returns `undefined` if the broker keeps no results, and no other store is configured
   * @throws UnsupportedFeatureError (`RESULT_STORE_MISSING`) if the broker of `TASK_RESULT_URL` keeps no results
   */
  async openResults(): Promise<ResultStore | undefined> {
    const { resultStore } = this.#options;
    if (resultStore !== undefined) return resultStore;
    const url = this.#resultUrl;
    if (url === undefined) return this.open('results');
    const { results } = await this.#at(url);
    if (results !== undefined) return results;
    throw new UnsupportedFeatureError(
      'TASK_RESULT_URL: this broker keeps no results; give the URL of one that does, such as redis://',
      { code: 'RESULT_STORE_MISSING' },
    );
  }

  /** Closes the stores that this opened. A store that was given to `initialize` is closed by its owner. */
  async close(): Promise<void> {
    await Promise.all([...this.#opened.values()].map((broker) => broker.close()));
  }

  /** The URL for results, if it is not that of the broker. */
  get #resultUrl(): string | undefined {
    const { resultUrl, brokerUrl } = this.#options.config;
    return resultUrl === brokerUrl ? undefined : resultUrl;
  }

  async #store(): Promise<Store | undefined> {
    const { store, config } = this.#options;
    if (store === undefined) return config.storeUrl === undefined ? undefined : this.#at(config.storeUrl);
    if ('publish' in store) return openBroker(store as Broker);
    checkStore(store);
    return store;
  }

  #at(url: string): Promise<Broker> {
    const broker = this.#opened.get(url) ?? this.#options.makeBroker(url);
    this.#opened.set(url, broker);
    return openBroker(broker);
  }
}
