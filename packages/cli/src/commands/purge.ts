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

/** Removes the ready messages of a queue and its lanes, and prints their number. */
export async function purgeCommand(queue: string, { app, broker, dryRun, json }: PurgeOptions): Promise<void> {
  await withBroker(broker, 'brokkr purge', async ({ inspector, ...opened }) => {
    await checkQueues({ ...opened, inspector }, [queue], app);
    const lanes = await withLanes({ ...opened, inspector }, [queue]);
    const readyIn = async (lane: string) => (await inspector.counts(lane)).ready ?? 0;
    const numbers = await Promise.all(lanes.map((lane) => (dryRun ? readyIn(lane) : inspector.purge(lane))));
    const count = numbers.reduce((sum, number) => sum + number, 0);
    if (json) printJson({ queue, count, dryRun });
    else print(count);
  });
}
