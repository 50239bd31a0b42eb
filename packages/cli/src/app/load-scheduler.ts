import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ManagerOptions } from '@brokkr/core';
import type { SchedulerManager } from '@brokkr/scheduler';
import { UsageError } from '../exit.ts';
import type { App } from './load-app.ts';
import { resolvePackage } from './resolve-package.ts';

/**
 * The schedulers of the application that have jobs. `options` are applied to every task manager that they use.
 *
 * @throws UsageError if no scheduler is installed, or none has a job
 */
export async function loadSchedulers(
  { path, manager }: App,
  options: ManagerOptions,
): Promise<readonly SchedulerManager[]> {
  const { href } = pathToFileURL(resolvePackage(dirname(path), '@brokkr/scheduler'));
  const scheduler: typeof import('@brokkr/scheduler') = await import(href);
  const withJobs = scheduler.SchedulerManager.all().filter((one) => one.getJobs().length > 0);
  if (withJobs.length === 0) {
    throw new UsageError(`the application ${path} has no jobs; does it import the module that calls addJob?`);
  }
  const managers = new Set(withJobs.flatMap((one) => one.managers()));
  // The application's own manager got them when it was loaded.
  managers.delete(manager);
  for (const other of managers) other.configure(options);
  return withJobs;
}
