import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { SchedulerManager } from '@brokkr/scheduler';
import { UsageError } from '../exit.ts';
import type { App } from './load-app.ts';
import { resolvePackage } from './resolve-package.ts';

/**
 * The schedulers that the application has given jobs to.
 * @throws UsageError where it has no scheduler installed, or gave none a job
 */
export async function loadSchedulers({ path }: App): Promise<readonly SchedulerManager[]> {
  const { href } = pathToFileURL(resolvePackage(dirname(path), '@brokkr/scheduler'));
  const scheduler: typeof import('@brokkr/scheduler') = await import(href);
  const withJobs = scheduler.SchedulerManager.all().filter((one) => one.getJobs().length > 0);
  if (withJobs.length > 0) return withJobs;
  throw new UsageError(`the application ${path} schedules nothing; does it import the module that calls addJob?`);
}
