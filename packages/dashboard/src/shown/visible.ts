import type { QueueRow, TaskRow, WorkerRow } from '../api/types.ts';
import type { User } from '../access/user.ts';
import type { Sample } from '../sampling/sample.ts';

/** Queues that a user sees. */
export function visibleQueues({ queues }: Sample, user: User): readonly QueueRow[] {
  const all = [...queues.values()];
  return user.seesAll ? all : all.filter(({ name }) => user.sees(name));
}

/** Workers that serve a queue which the user sees, without their other queues. */
export function visibleWorkers({ workers }: Sample, user: User): readonly WorkerRow[] {
  if (user.seesAll) return workers;
  return workers
    .filter((worker) => worker.queues.some(({ name }) => user.sees(name)))
    .map((worker) => ({
      ...worker,
      queues: worker.queues.filter(({ name }) => user.sees(name)),
      paused: worker.paused.filter((name) => user.sees(name)),
      running: worker.running.filter(({ queue }) => user.sees(queue)),
    }));
}

export function visibleTasks({ tasks }: Sample, user: User): readonly TaskRow[] {
  return user.seesAll ? tasks : tasks.filter(({ queue }) => user.sees(queue));
}
