import type { OpenedBroker } from './open-broker.ts';
import { canListQueues, listedQueues } from './queue-names.ts';

/** The queues, each followed by the other lanes that it has. For a lane that is named, only that lane. */
export async function withLanes(opened: OpenedBroker, queues: readonly string[]): Promise<readonly string[]> {
  const listed = new Set(await listedQueues(opened));
  const lanes = await Promise.all(
    queues.map(async (queue) => [queue, ...(await inUse(opened, otherLanes(opened, queue), listed))]),
  );
  return [...new Set(lanes.flat())];
}

function otherLanes({ adapter }: OpenedBroker, queue: string): readonly string[] {
  if (adapter.readLane(queue).queue !== queue) return [];
  return adapter.laneNames(queue).filter((lane) => lane !== queue);
}

/** If the server cannot list its queues, a lane is in use if it holds messages. */
async function inUse(
  opened: OpenedBroker,
  lanes: readonly string[],
  listed: ReadonlySet<string>,
): Promise<readonly string[]> {
  const unlisted = lanes.filter((lane) => !listed.has(lane));
  if (canListQueues(opened) || unlisted.length === 0) return lanes.filter((lane) => listed.has(lane));
  const reports = await opened.inspector.countsOf(unlisted);
  const empty = reports.filter(({ ready, delayed, dead, error }) => error === undefined && !(ready || delayed || dead));
  return lanes.filter((lane) => !empty.some(({ queue }) => queue === lane));
}
