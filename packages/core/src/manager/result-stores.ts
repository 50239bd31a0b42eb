import type { Broker } from '../broker/broker.ts';
import type { ResultStore } from '../broker/result-store.ts';
import type { TaskConfig } from '../config/task-config.ts';
import { openBroker } from '../config/lazy-broker.ts';
import { UnsupportedFeatureError } from '../errors/errors.ts';

export interface ResultStoresOptions {
  /** The store that was given to `initialize`. */
  readonly given: ResultStore | undefined;
  readonly config: TaskConfig;
  readonly broker: Broker;
  readonly makeBroker: (url: string) => Broker;
}

/** Where a manager keeps results: the store of `initialize`, else that of `TASK_RESULT_URL`, else the broker. */
export class ResultStores {
  readonly #options: ResultStoresOptions;
  #resultBroker: Broker | undefined;

  constructor(options: ResultStoresOptions) {
    this.#options = options;
  }

  /** Whether results are kept elsewhere than in the broker of the messages. */
  get isElsewhere(): boolean {
    const { given, config } = this.#options;
    return given !== undefined || (config.resultUrl !== undefined && config.resultUrl !== config.brokerUrl);
  }

  /**
   * Opens the store.
   * @returns `undefined` if the broker keeps no results, and no other store is configured
   * @throws UnsupportedFeatureError (`RESULT_STORE_MISSING`) if the broker of `TASK_RESULT_URL` keeps no results
   */
  async open(): Promise<ResultStore | undefined> {
    const { given, config, broker, makeBroker } = this.#options;
    if (given !== undefined) return given;
    if (config.resultUrl === undefined || !this.isElsewhere) return (await openBroker(broker)).results;
    this.#resultBroker ??= makeBroker(config.resultUrl);
    const { results } = await openBroker(this.#resultBroker);
    if (results !== undefined) return results;
    throw new UnsupportedFeatureError(
      'TASK_RESULT_URL: this broker keeps no results; give the URL of one that does, such as redis://',
      { code: 'RESULT_STORE_MISSING' },
    );
  }

  async close(): Promise<void> {
    await this.#resultBroker?.close();
  }
}
