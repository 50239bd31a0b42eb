import { findApp } from './find-app.ts';
import { PROBE_QUEUE } from './is-one-place.ts';
import { applicationQueues } from './known-app.ts';
import type { OpenedBroker } from './open-broker.ts';

/**
 * Lists the queues of a broker by name. If its server cannot list them, those of the application's tasks are added.
 *
 * @param app the application's module; without it the one in the working folder, if there is one
 * @throws UsageError if the given application is missing, even if it is not needed
 */
export async function queueNames(opened: OpenedBroker, app: string | undefined): Promise<readonly string[]> {
  if (app !== undefined) await findApp(app);
  const listed = await listedQueues(opened);
  return canListQueues(opened)
    ? listed
    : [...new Set([...listed, ...(await applicationQueues(opened.adapter, app))])].sort();
}

/** The queues that the broker lists, by name. */
export async function listedQueues({ inspector }: OpenedBroker): Promise<readonly string[]> {
  return (await inspector.queues()).filter((queue) => queue !== PROBE_QUEUE).sort();
}

/** Whether the server knows all queues, also those that this process has not used. */
export function canListQueues({ broker }: OpenedBroker): boolean {
  return broker.capabilities.counts === 'exact';
}
