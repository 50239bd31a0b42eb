import { withBroker } from '../app/open-broker.ts';
import { print } from '../output.ts';

/** Removes the ready messages of a queue and prints their number. */
export async function purgeCommand(queue: string, { broker: url }: { readonly broker?: string }): Promise<void> {
  await withBroker(url, 'brokkr purge', async ({ inspector }) => {
    print(await inspector.purge(queue));
  });
}
