import { ConfigError } from '../errors/errors.ts';
import { runningTask } from '../task/current-task.ts';
import type { TaskRegistry } from '../task/task-registry.ts';

/**
 * Refuses a call that waits for the running handlers, if one of them makes it: it would wait for itself until the shutdown
 * time ends, and its message would run again in the next worker, uncounted.
 *
 * @param call for the error
 * @throws ConfigError (`CLOSED_IN_HANDLER`) inside a running handler of a task of `registry`
 */
export function refuseInHandler(call: string, registry: TaskRegistry): void {
  const run = runningTask();
  if (run === undefined || registry.get(run.name) === undefined) return;
  throw new ConfigError(
    `task ${run.name}: ${call} inside its handler would wait for this handler to end; call it elsewhere, or let the handler return and send the process SIGTERM`,
    { code: 'CLOSED_IN_HANDLER' },
  );
}
