import { AsyncLocalStorage } from 'node:async_hooks';
import { errorLine, errorRecord } from '../errors/error-record.ts';
import { ConfigError, TaskFailedError } from '../errors/errors.ts';
import { claimOnlyCopy } from '../errors/only-copy.ts';
import type { TaskContext } from './task-context.ts';
import type { RunBindings, TaskRun } from './task-run.ts';

const runs = new AsyncLocalStorage<TaskRun>();

/**
 * Returns the run that the calling code belongs to, from any depth of the call stack.
 * @throws ConfigError (`NO_CURRENT_TASK`) outside a run
 * @throws ConfigError (`CORE_LOADED_TWICE`) if the run belongs to another copy of this package
 * @example
 * const { attempt, signal, logger } = currentTask();
 * logger.info({ attempt }, 'fetching');
 * await fetch(url, { signal });
 */
export function currentTask(): TaskContext {
  return currentRun('currentTask()');
}

/**
 * The run that the calling code belongs to.
 * @param caller the function that needs it, for the error
 * @throws ConfigError as `currentTask` does
 */
export function currentRun(caller: string): TaskRun {
  const run = runs.getStore();
  if (run !== undefined) return run;
  claimOnlyCopy();
  throw new ConfigError(`${caller} was called outside a task; call it inside a handler`, { code: 'NO_CURRENT_TASK' });
}

/** Log fields of the run that the calling code belongs to; `undefined` outside one. */
export function currentBindings(): RunBindings | undefined {
  return runs.getStore()?.bindings();
}

/** The run that the calling code belongs to, if its handler has not ended yet. */
export function runningTask(): TaskRun | undefined {
  const run = runs.getStore();
  return run === undefined || run.hasEnded ? undefined : run;
}

/**
 * Fails the run that the calling code belongs to, because nothing caught `error`: its attempt counts as failed, whatever
 * its handler returns.
 *
 * @returns the run; `undefined` outside a run
 */
export function failCurrentTask(error: unknown): TaskContext | undefined {
  const run = runs.getStore();
  const message = `task ${run?.name}: nothing caught an error of its handler: ${errorLine(errorRecord(error))}`;
  run?.abort(new TaskFailedError(message, { code: 'TASK_UNCAUGHT', cause: error }));
  return run;
}

/** Calls `body` with `run` as the current task. */
export function runAs<A extends unknown[], R>(run: TaskRun, body: (...args: A) => R, ...args: A): R {
  return runs.run(run, body, ...args);
}
