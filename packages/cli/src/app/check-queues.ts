import { UsageError } from '../exit.ts';
import { applicationQueues } from './known-app.ts';
import { unknownName } from './unknown-name.ts';
import type { OpenedBroker } from './open-broker.ts';
import { canListQueues, listedQueues } from './queue-names.ts';

/**
 * Checks that queues exist: the broker lists them or counts messages in them, or a task of the application uses them. If
 * the server cannot list its queues and there is no application, every name is accepted.
 *
 * @param app the application's module; without it the one in the working folder, if there is one
 * @throws UsageError naming the first unknown queue, and the name that is most like it
 */
export async function checkQueues(
  opened: OpenedBroker,
  queues: readonly string[],
  app: string | undefined,
): Promise<void> {
  const { adapter } = opened;
  for (const queue of queues) adapter.checkQueueName(queue);
  const listed = await listedQueues(opened);
  let unknown = queues.filter((queue) => !listed.includes(queue));
  if (unknown.length === 0) return;
  const known = [...new Set([...listed, ...(await applicationQueues(adapter, app))])];
  unknown = unknown.filter((queue) => !known.includes(queue));
  const [first] = unknown;
  if (first === undefined || (!canListQueues(opened) && known.length === 0)) return;
  if (!canListQueues(opened)) unknown = await withoutUsed(opened, unknown);
  if (unknown[0] === undefined) return;
  throw new UsageError(unknownName(adapter, 'queue', unknown[0], known));
}

/** Queues in which the broker counts no message. */
async function withoutUsed({ inspector }: OpenedBroker, queues: readonly string[]): Promise<string[]> {
  const reports = await inspector.countsOf(queues);
  return reports
    .filter(({ ready, delayed, running, dead }) => [ready, delayed, running, dead].every((figure) => !figure))
    .map(({ queue }) => queue);
}
