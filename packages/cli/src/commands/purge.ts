import { withBroker } from '../app/open-broker.ts';

/** Removes what is ready in a queue; prints how many. */
export async function purgeCommand(queue: string, { broker: url }: { readonly broker?: string }): Promise<void> {
  await withBroker(url, 'brokkr purge', async ({ inspector }) => {
    console.log(await inspector.purge(queue));
  });
}
