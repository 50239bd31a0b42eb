import { checkQueues } from '../app/check-queues.ts';
import type { OpenedBroker } from '../app/open-broker.ts';
import { listedQueues } from '../app/queue-names.ts';
import { withLanes } from '../app/with-lanes.ts';
import { UsageError } from '../exit.ts';
import { findLetters } from './find-letters.ts';
import { letterQueues } from './letter-queues.ts';

/** Ids of dead letters, and the queue that they come from. */
export interface NamedLetters {
  readonly queue: string;
  readonly ids: readonly string[];
}

/**
 * Reads the arguments of a command about letters that are named: a queue and ids; or one id, which is looked for in all
 * queues. Letters of several lanes are several groups.
 *
 * @throws UsageError if the queue is unknown; if there is one argument, and no queue has a dead letter of that id
 */
export async function lettersNamed(
  opened: OpenedBroker,
  command: string,
  [first = '', ...rest]: readonly string[],
  app: string | undefined,
): Promise<readonly NamedLetters[]> {
  if (rest.length > 0) {
    await checkQueues(opened, [first], app);
    return byLane(opened, first, [...new Set(rest)]);
  }
  if ((await listedQueues(opened)).includes(first)) {
    const choice = command === 'brokkr dead show' ? 'give their ids' : 'give ids, a filter, or --all';
    throw new UsageError(`${command}: which dead letters of queue ${first}? ${choice}`);
  }
  const queues = await letterQueues(opened, undefined, app);
  for (const queue of queues) {
    const [letter] = await findLetters(opened, queue, [first]);
    if (letter !== undefined) return [{ queue, ids: [first] }];
  }
  const near = opened.adapter.nearestName(first, queues);
  const advice = near === undefined ? 'brokkr dead list shows them' : `did you mean queue ${near}?`;
  throw new UsageError(`no queue has a dead letter ${first}; ${advice}`);
}

/** The letters by the lane that holds them. Those that no lane holds count to the queue itself. */
async function byLane(opened: OpenedBroker, queue: string, ids: readonly string[]): Promise<readonly NamedLetters[]> {
  const lanes = await withLanes(opened, [queue]);
  if (lanes.length === 1) return [{ queue, ids }];
  const groups = new Map<string, string[]>();
  let left = ids;
  for (const lane of lanes.filter((each) => each !== queue)) {
    const found = new Set((await findLetters(opened, lane, left)).map(({ id }) => id));
    if (found.size > 0) groups.set(lane, [...found]);
    left = left.filter((id) => !found.has(id));
  }
  if (left.length > 0) groups.set(queue, [...left]);
  return [...groups].map(([lane, own]) => ({ queue: lane, ids: own }));
}
