import type { Logger } from 'pino';
import { runningTask } from '../task/current-task.ts';
import type { TaskRegistry } from '../task/task-registry.ts';

/**
 * Notes that a handler of a task of `registry` calls for a stop that waits for running handlers. A handler that awaits it
 * waits for itself until the shutdown time ends; its attempt then counts as failed. Otherwise its message would stop one
 * worker after the other, uncounted.
 *
 * @param call for the log line
 */
export function noteStopInHandler(call: string, registry: TaskRegistry, logger: Logger): void {
  const run = runningTask();
  if (run === undefined || run.hasCalledStop || registry.get(run.name) === undefined) return;
  run.noteStopCall();
  logger.warn(
    run.bindings(),
    `task ${run.name}: its handler called ${call}, which waits for this handler; if the handler awaits it, the attempt fails when TASK_SHUTDOWN_TIMEOUT ends`,
  );
}
