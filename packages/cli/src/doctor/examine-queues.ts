import { setTimeout as sleep } from 'node:timers/promises';
import type { Broker, TaskManager } from '@brokkr/core';
import type { Inspector, QueueReport } from '@brokkr/core/adapter';
import { type Check, failed } from './check.ts';
import { counted } from './counted.ts';
import { Service, standsStill } from './service.ts';

/** Time between two looks at a queue: if a worker serves it, its counts differ. */
const LOOK_AGAIN_MS = 1_000;

const about = 'queues';

/** Checks queues: more dead letters than `TASK_DEAD_MAX`, ready messages that no worker runs, counts that cannot be read. */
export async function* examineQueues(broker: Broker, inspector: Inspector, manager: TaskManager): AsyncIterable<Check> {
  const { config } = manager;
  const before = await look(inspector);
  const areWaiting = before.some(({ ready }) => (ready ?? 0) > 0);
  if (areWaiting) await sleep(LOOK_AGAIN_MS);
  const after = areWaiting ? await look(inspector) : before;
  const earlier = new Map(before.filter(({ error }) => error === undefined).map((report) => [report.queue, report]));
  const still = new Set(after.filter((report) => standsStill(earlier.get(report.queue), report)));
  const service = await Service.read(broker, manager, still);
  let problems = 0;
  if (service.pauseError !== undefined) {
    problems++;
    const check = failed(about, service.pauseError);
    yield { ...check, message: `the pauses of the queues are unknown: ${check.message}` };
  }
  for (const report of after) {
    const { queue, error, dead } = report;
    if (error !== undefined) {
      problems++;
      const check = failed(about, error);
      yield { ...check, message: `queue ${queue} cannot be read: ${check.message}` };
      continue;
    }
    if (dead !== undefined && dead > config.deadMax) {
      problems++;
      const message = `${counted(dead, 'dead letter')} in ${queue}, more than TASK_DEAD_MAX (${config.deadMax}); see brokkr dead list ${queue}`;
      yield { about, severity: 'warning', code: 'DEAD_LETTERS_OVER_MAX', message };
    }
    const problem = still.has(report) ? service.problemOf(report) : undefined;
    if (problem === undefined) continue;
    problems++;
    yield { about, severity: 'warning', ...problem };
  }
  if (problems === 0) yield { about, severity: 'ok', message: `${counted(after.length, 'queue')} checked` };
}

async function look(inspector: Inspector): Promise<readonly QueueReport[]> {
  return inspector.countsOf([...(await inspector.queues())].sort());
}
