import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskManager } from '@brokkr/core';
import type { Inspector, QueueCounts, QueueReport } from '@brokkr/core/adapter';
import { type Check, failed } from './check.ts';
import { counted } from './counted.ts';

/** Time between two looks at a queue: if a worker serves it, its counts differ. */
const LOOK_AGAIN_MS = 1_000;

/** Checks queues: more dead letters than `TASK_DEAD_MAX`, ready messages that no worker runs, counts that cannot be read. */
export async function* examineQueues(inspector: Inspector, manager: TaskManager): AsyncIterable<Check> {
  const { config } = manager;
  const about = 'queues';
  const before = await look(inspector);
  const areWaiting = before.some(({ ready }) => (ready ?? 0) > 0);
  if (areWaiting) await sleep(LOOK_AGAIN_MS);
  const after = areWaiting ? await look(inspector) : before;
  const named = new Set(manager.tasks().map((task) => task.queueName ?? config.queueName));
  const earlier = new Map(before.filter(({ error }) => error === undefined).map((report) => [report.queue, report]));
  let problems = 0;
  for (const { queue, error, ...counts } of after) {
    if (error !== undefined) {
      problems++;
      const check = failed(about, error);
      yield { ...check, message: `queue ${queue} cannot be read: ${check.message}` };
      continue;
    }
    const { ready, dead } = counts;
    if (dead !== undefined && dead > config.deadMax) {
      problems++;
      const message = `${counted(dead, 'dead letter')} in ${queue}, more than TASK_DEAD_MAX (${config.deadMax}); see brokkr dead list ${queue}`;
      yield { about, severity: 'warning', code: 'DEAD_LETTERS_OVER_MAX', message };
    }
    if (!standsStill(earlier.get(queue), counts)) continue;
    problems++;
    const advice = named.has(queue)
      ? `run a worker for it: brokkr worker -q ${queue}`
      : 'and no task of this application uses it';
    const messages = ready === 1 ? '1 message waits' : `${ready} messages wait`;
    const message = `${messages} in ${queue}, and no worker runs ${ready === 1 ? 'it' : 'them'}; ${advice}`;
    yield { about, severity: 'warning', code: 'QUEUE_UNSERVED', message };
  }
  if (problems === 0) yield { about, severity: 'ok', message: `${counted(after.length, 'queue')} checked` };
}

async function look(inspector: Inspector): Promise<readonly QueueReport[]> {
  return inspector.countsOf([...(await inspector.queues())].sort());
}

/** Messages were ready at both looks, none was running, and none ended in between. */
function standsStill(before: QueueCounts | undefined, after: QueueCounts): boolean {
  if (before === undefined || !before.ready || !after.ready) return false;
  if ((before.running ?? 0) > 0 || (after.running ?? 0) > 0) return false;
  return before.acknowledged === after.acknowledged && after.ready >= before.ready;
}
