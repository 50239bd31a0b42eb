import { checkQueues } from '../app/check-queues.ts';
import { withBroker } from '../app/open-broker.ts';
import { withLanes } from '../app/with-lanes.ts';
import { print } from '../output.ts';

export interface PurgeOptions {
  readonly app?: string;
  readonly broker?: string;
}

/** Removes the ready messages of a queue and its lanes, and prints their number. */
export async function purgeCommand(queue: string, { app, broker }: PurgeOptions): Promise<void> {
  await withBroker(broker, 'brokkr purge', async (opened) => {
    await checkQueues(opened, [queue], app);
    const lanes = await withLanes(opened, [queue]);
    const purged = await Promise.all(lanes.map((lane) => opened.inspector.purge(lane)));
    print(purged.reduce((sum, count) => sum + count, 0));
  });
}
