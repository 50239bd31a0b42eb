import type { TaskDefinition } from '../task/task-definition.ts';
import type { TaskRegistry } from '../task/task-registry.ts';
import type { WorkerDependencies } from '../worker/task-worker.ts';

/** What the tasks of a queue, as far as they are defined, need of its subscription. */
export function queueTraits(
  registry: TaskRegistry,
  queueOf: (definition: TaskDefinition) => string,
): Pick<WorkerDependencies, 'largestBatch'> {
  const tasksOf = (queue: string) => registry.all().filter((definition) => queueOf(definition) === queue);
  return { largestBatch: (queue) => Math.max(1, ...tasksOf(queue).map(({ batch }) => batch?.size ?? 1)) };
}
