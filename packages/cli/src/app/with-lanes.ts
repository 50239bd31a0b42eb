import type { OpenedBroker } from './open-broker.ts';
import { canListQueues, listedQueues } from './queue-names.ts';

/** The queues, each followed by the other lanes that it has. For a lane that is named, only that lane. */
export async function withLanes(opened: OpenedBroker, queues: readonly string[]): Promise<readonly string[]> {
  const others = queues.map((queue) => otherLanes(opened, queue));
  const used = await inUse(opened, others.flat());
  return [
    ...new Set(queues.flatMap((queue, index) => [queue, ...(others[index] ?? []).filter((one) => used.has(one))])),
  ];
}

function otherLanes({ adapter }: OpenedBroker, queue: string): readonly string[] {
  if (adapter.readLane(queue).queue !== queue) return [];
  return adapter.laneNames(queue).filter((lane) => lane !== queue);
}

/**
 * The lanes that the server lists. If it cannot list its queues, a lane is in use if it holds messages, or cannot be read:
 * one call asks for all of them, because a thousand calls at once would end in a time-out.
 */
async function inUse(opened: OpenedBroker, lanes: readonly string[]): Promise<ReadonlySet<string>> {
  const used = new Set(await listedQueues(opened));
  const unlisted = lanes.filter((lane) => !used.has(lane));
  if (canListQueues(opened) || unlisted.length === 0) return used;
  for (const { queue, ready, delayed, dead, error } of await opened.inspector.countsOf(unlisted)) {
    if (error !== undefined || ready || delayed || dead) used.add(queue);
  }
  return used;
}
