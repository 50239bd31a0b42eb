import type { TaskManager } from '@brokkr/core';
import { UsageError } from '../exit.ts';
import type { Adapter } from './open-broker.ts';
import { queuesOf } from './queues-of.ts';
import { unknownName } from './unknown-name.ts';

/**
 * Checks that a queue is known, because no worker serves one whose name is misspelled. It is known if a task of the
 * application uses it, if the broker lists it or holds messages of it, or if a living worker serves it.
 *
 * @throws UsageError naming the queue, and the name that is most like it; ConfigError if it is not a name of a queue
 */
export async function checkSendQueue(
  adapter: Adapter,
  manager: Pick<TaskManager, 'broker' | 'config' | 'tasks'>,
  name: string,
): Promise<void> {
  adapter.checkQueueName(name);
  const { queue } = adapter.readLane(name);
  const declared = queuesOf(manager);
  if (declared.includes(queue)) return;
  const { inspector, workers } = await manager.broker();
  if (inspector === undefined) return;
  const listed = (await inspector.queues()).map((each) => adapter.readLane(each).queue);
  if (listed.includes(queue)) return;
  const [counts] = await inspector.countsOf([name]);
  const { ready, delayed, running, dead, consumers, error } = counts ?? {};
  if (error !== undefined || [ready, delayed, running, dead, consumers].some((figure) => (figure ?? 0) > 0)) return;
  // A user without rights to the reports of workers does without them.
  const reports = (await workers?.reports().catch(() => [])) ?? [];
  const served = reports.flatMap(({ report }) => Object.keys(report.queues));
  if (served.includes(queue)) return;
  const known = [...new Set([...declared, ...listed, ...served])];
  throw new UsageError(
    `${unknownName(adapter, 'queue', name, known)} (for a new queue, first start a worker of it: brokkr worker -q ${name})`,
  );
}
