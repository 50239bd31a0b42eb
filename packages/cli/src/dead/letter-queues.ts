import { checkQueues } from '../app/check-queues.ts';
import type { OpenedBroker } from '../app/open-broker.ts';
import { canListQueues, queueNames } from '../app/queue-names.ts';
import { withLanes } from '../app/with-lanes.ts';
import { UsageError } from '../exit.ts';

/**
 * The queues whose dead letters a command is about: the one that is named with its lanes, or all.
 *
 * @throws UsageError if the queue is unknown, or if none is named and the server cannot list its queues
 */
export async function letterQueues(
  opened: OpenedBroker,
  queue: string | undefined,
  app: string | undefined,
): Promise<readonly string[]> {
  if (queue !== undefined) {
    await checkQueues(opened, [queue], app);
    return withLanes(opened, [queue]);
  }
  const queues = await queueNames(opened, app);
  if (queues.length > 0 || canListQueues(opened)) return queues;
  throw new UsageError(
    'this server cannot list its queues, and there is no application here whose tasks name them; name the queue, or give --app',
  );
}
