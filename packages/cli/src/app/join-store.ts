import type { Broker } from '@brokkr/core';
import type { RecordStore } from '@brokkr/core/adapter';
import type { OpenedBroker } from './open-broker.ts';
import { UsageError } from '../exit.ts';
import { printable } from '../output.ts';

/** The store that joins unique and debounced messages of a broker: the broker itself, or that of `TASK_STORE_URL`. */
export class JoinStore {
  readonly #from: OpenedBroker;
  #opened: Promise<Broker> | undefined;

  constructor(from: OpenedBroker) {
    this.#from = from;
  }

  /**
   * Opens the store. @param queue for the error
   * @throws UsageError if no store keeps records: without it, the newest arguments of debounced messages would be lost
   */
  async records(queue: string): Promise<RecordStore> {
    const { broker, core, manager } = this.#from;
    if (broker.records !== undefined) return broker.records;
    const { storeUrl, brokerUrl, namespace, brokerPackage } = manager.config;
    const name = core.redactUrl(brokerUrl);
    if (storeUrl === undefined) {
      throw new UsageError(
        `brokkr move: a store keeps the keys of unique and debounced messages of ${printable(queue)}, and no store is given; set TASK_STORE_URL to that of the workers of ${name}`,
      );
    }
    this.#opened ??= core.openBroker(core.createBroker(storeUrl, { namespace, brokerPackage }));
    const { records } = await this.#opened;
    if (records !== undefined) return records;
    throw new UsageError(
      `brokkr move: TASK_STORE_URL: ${core.redactUrl(storeUrl)} keeps no keys of unique and debounced messages; give the store of the workers of ${name}`,
    );
  }

  async close(): Promise<void> {
    // A store that could not be opened has nothing to close. Its error was that of the move.
    await this.#opened?.then(
      (store) => store.close(),
      () => undefined,
    );
  }
}
