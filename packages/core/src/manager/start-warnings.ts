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

/** Queues that are counted at once: a broker that asks for each queue limits the time of one count. */
const COUNTED_AT_ONCE = 100;

/**
 * Logs the queues that have more dead letters than `TASK_DEAD_MAX`, and in one line how many queues could not be counted.
 * Call it once the worker runs: the broker may need seconds for a thousand queues. A stop of the worker ends it. Never
 * rejects: a warning must not end a worker.
 */
export async function warnOfDeadLetters(
  worker: { readonly state: string },
  queues: readonly string[],
  { config, logger, openBroker }: Manager & { readonly openBroker: () => Promise<Broker> },
): Promise<void> {
  const errors: { readonly queue: string; readonly error: Error }[] = [];
  try {
    const { inspector } = await openBroker();
    for (let from = 0; inspector !== undefined && from < queues.length; from += COUNTED_AT_ONCE) {
      const reports = await inspector.countsOf(queues.slice(from, from + COUNTED_AT_ONCE), { delayed: false });
      // The end of the worker closes the connection, which fails every count.
      if (worker.state !== 'running') return;
      for (const { queue, dead, error } of reports) {
        if (error !== undefined) errors.push({ queue, error });
        if (dead === undefined || dead <= config.deadMax) continue;
        logger.warn(
          { queue, dead },
          `more dead letters than TASK_DEAD_MAX (${config.deadMax}); look at them with brokkr dead list ${queue}`,
        );
      }
    }
  } catch (error) {
    // If the broker is unreachable, the worker itself reports it.
    logger.debug({ error }, 'dead letters could not be counted');
  }
  const [first] = errors;
  if (first === undefined) return;
  logger.warn(
    first,
    `the dead letters of ${errors.length} of ${queues.length} queues could not be counted at the start of a worker, which runs nevertheless; the first: ${first.queue}: ${first.error.message}`,
  );
}
