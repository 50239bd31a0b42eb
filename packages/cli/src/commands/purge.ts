import type { Inspector } from '@brokkr/core/adapter';
import { checkQueues } from '../app/check-queues.ts';
import { withBroker } from '../app/open-broker.ts';
import { withLanes } from '../app/with-lanes.ts';
import { print, printJson } from '../output.ts';

export interface PurgeOptions {
  readonly app?: string;
  readonly broker?: string;
  /** Change nothing, and count the ready messages. */
  readonly dryRun: boolean;
  readonly json: boolean;
}

/**
 * Removes the ready messages of a queue and its lanes, and prints their number. Keys that the store of `TASK_STORE_URL` keeps
 * for them are freed.
 */
export async function purgeCommand(queue: string, { app, broker, dryRun, json }: PurgeOptions): Promise<void> {
  await withBroker(broker, 'brokkr purge', async (opened) => {
    const { adapter, inspector, manager } = opened;
    await checkQueues(opened, [queue], app);
    const lanes = await withLanes(opened, [queue]);
    const options = {
      capabilities: opened.broker.capabilities,
      records: () => manager.records(),
      keyTtlMs: manager.config.idempotencyTtlMs,
    };
    const count = dryRun ? await readyIn(inspector, lanes) : await adapter.purgeJoined(inspector, lanes, options);
    if (json) printJson({ queue, count, dryRun });
    else print(count);
  });
}

async function readyIn(inspector: Inspector, lanes: readonly string[]): Promise<number> {
  const counts = await Promise.all(lanes.map((lane) => inspector.counts(lane)));
  return counts.reduce((sum, { ready = 0 }) => sum + ready, 0);
}
