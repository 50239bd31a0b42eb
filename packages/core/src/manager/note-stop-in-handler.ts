import type { Logger } from 'pino';
import { runningTask } from '../task/current-task.ts';
import type { TaskRegistry } from '../task/task-registry.ts';

/**
 * Notes that a handler of a task of `registry` calls a stop that waits for running handlers. A handler that awaits the
 * stop waits for itself until the shutdown timeout; then its attempt counts as failed. If it did not count, the message
 * would stop one worker after the other.
 *
 * @param call the call, for the log line
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
