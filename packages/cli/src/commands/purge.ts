import { checkQueues } from '../app/check-queues.ts';
import { withBroker } from '../app/open-broker.ts';
import { print } from '../output.ts';

export interface PurgeOptions {
  readonly app?: string;
  readonly broker?: string;
}

/** Removes the ready messages of a queue and prints their number. */
export async function purgeCommand(queue: string, { app, broker }: PurgeOptions): Promise<void> {
  await withBroker(broker, 'brokkr purge', async (opened) => {
    await checkQueues(opened, [queue], app);
    print(await opened.inspector.purge(queue));
  });
}
