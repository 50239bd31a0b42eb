import type { RecordStore } from '@brokkr/core/adapter';
import type { OpenedBroker } from './open-broker.ts';
import { UsageError } from '../exit.ts';
import { printable } from '../output.ts';

/**
 * Opens the store that joins unique and debounced messages of a broker: the broker itself, or that of `TASK_STORE_URL`.
 * The manager closes it.
 *
 * @param queue for the error
 * @throws UsageError if no store keeps records: without it, the newest arguments of debounced messages would be lost
 */
export async function joinRecords({ core, manager }: OpenedBroker, queue: string): Promise<RecordStore> {
  const records = await manager.records();
  if (records !== undefined) return records;
  const { storeUrl, brokerUrl } = manager.config;
  const name = core.redactUrl(brokerUrl);
  throw new UsageError(
    storeUrl === undefined
      ? `brokkr move: a store keeps the keys of unique and debounced messages of ${printable(queue)}, and no store is given; set TASK_STORE_URL to that of the workers of ${name}`
      : `brokkr move: TASK_STORE_URL: ${core.redactUrl(storeUrl)} keeps no keys of unique and debounced messages; give the store of the workers of ${name}`,
  );
}
