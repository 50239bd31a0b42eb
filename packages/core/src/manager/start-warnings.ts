import type { Logger } from 'pino';
import type { Broker } from '../broker/broker.ts';
import type { TaskConfig } from '../config/task-config.ts';
import type { TaskDefinition } from '../task/task-definition.ts';

/** The members of a manager that the warnings use. */
interface Manager {
  readonly config: TaskConfig;
  readonly logger: Logger;
  queueOf(definition: TaskDefinition): string;
}

/** Logs the tasks whose queues no worker of this process serves, and how to serve them. */
export function warnOfUnservedTasks(
  tasks: readonly TaskDefinition[],
  served: ReadonlyMap<string, number>,
  manager: Manager,
): void {
  if (tasks.length === 0) return;
  const queueOf = (task: TaskDefinition) => manager.queueOf(task);
  const names = tasks.map((task) => `${task.name} (${queueOf(task)})`).join(', ');
  const missing = tasks.map(queueOf).filter((queue) => !served.has(queue));
  const queues = [...new Set([...served.keys(), ...missing])];
  manager.logger.warn(
    { queues: [...served.keys()] },
    `no worker of this process serves the queues of these tasks: ${names}; to serve them, run brokkr worker -q ${queues.join(',')} or -q all, or name the queues in createWorker`,
  );
}

/** Logs the queues that have more dead letters than `TASK_DEAD_MAX`. Never rejects: a warning must not end a start. */
export async function warnOfDeadLetters(
  { inspector }: Broker,
  queues: readonly string[],
  { config, logger }: Manager,
): Promise<void> {
  if (inspector === undefined) return;
  try {
    for (const { queue, dead, error } of await inspector.countsOf(queues, { delayed: false })) {
      if (error !== undefined) logger.warn({ queue, error }, 'the dead letters of a queue could not be counted');
      if (dead !== undefined && dead > config.deadMax) {
        logger.warn(
          { queue, dead },
          `more dead letters than TASK_DEAD_MAX (${config.deadMax}); look at them with brokkr dead list ${queue}`,
        );
      }
    }
  } catch (error) {
    // If the broker is unreachable, the start itself reports it.
    logger.debug({ error }, 'dead letters could not be counted');
  }
}
