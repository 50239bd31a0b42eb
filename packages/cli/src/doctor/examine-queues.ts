import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskManager } from '@brokkr/core';
import type { Inspector, QueueCounts } from '@brokkr/core/adapter';
import type { Check } from './check.ts';

/** A queue that is served has moved within this. */
const LOOK_AGAIN_MS = 1_000;

/** Dead letters above TASK_DEAD_MAX, and queues in which messages wait and nothing moves. */
export async function* examineQueues(inspector: Inspector, manager: TaskManager): AsyncIterable<Check> {
  const { config } = manager;
  const about = 'queues';
  const before = await countsOf(inspector);
  const waiting = [...before].some(([, { ready }]) => ready !== undefined && ready > 0);
  if (waiting) await sleep(LOOK_AGAIN_MS);
  const after = waiting ? await countsOf(inspector) : before;
  const named = new Set(manager.tasks().map((task) => task.queueName ?? config.queueName));
  let problems = 0;
  for (const [queue, counts] of after) {
    const { ready, dead } = counts;
    if (dead !== undefined && dead > config.deadMax) {
      problems++;
      const message = `${dead} dead letters in ${queue}, more than TASK_DEAD_MAX (${config.deadMax}); look at them with brokkr dead list ${queue}`;
      yield { about, severity: 'warning', code: 'DEAD_LETTERS_OVER_MAX', message };
    }
    if (!standsStill(before.get(queue), counts)) continue;
    problems++;
    const served = named.has(queue)
      ? `run a worker for it: brokkr worker -q ${queue}`
      : 'and no task of this application names it';
    const message = `${ready} messages wait in ${queue} and nothing runs them; ${served}`;
    yield { about, severity: 'warning', code: 'QUEUE_UNSERVED', message };
  }
  if (problems === 0) yield { about, severity: 'ok', message: `${after.size} looked at` };
}

async function countsOf(inspector: Inspector): Promise<ReadonlyMap<string, QueueCounts>> {
  const names = [...(await inspector.queues())].sort();
  return new Map(await Promise.all(names.map(async (queue) => [queue, await inspector.counts(queue)] as const)));
}

/** Messages were ready at both looks, none was running, and none came to an end in between. */
function standsStill(before: QueueCounts | undefined, after: QueueCounts): boolean {
  if (before === undefined || !before.ready || !after.ready) return false;
  if ((before.running ?? 0) > 0 || (after.running ?? 0) > 0) return false;
  return before.acknowledged === after.acknowledged && after.ready >= before.ready;
}
