import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { SchedulerManager } from '@brokkr/scheduler';
import { UsageError } from '../exit.ts';
import type { App } from './load-app.ts';

/**
 * The schedulers that the application has given jobs to.
 * @throws UsageError where it has no scheduler installed, or gave none a job
 */
export async function loadSchedulers({ path }: App): Promise<readonly SchedulerManager[]> {
  const scheduler = (await import(
    pathToFileURL(resolveScheduler(dirname(path))).href
  )) as typeof import('@brokkr/scheduler');
  const withJobs = scheduler.SchedulerManager.all().filter((one) => one.getJobs().length > 0);
  if (withJobs.length > 0) return withJobs;
  throw new UsageError(`the application ${path} schedules nothing; does it import the module that calls addJob?`);
}

function resolveScheduler(folder: string): string {
  try {
    return createRequire(`${folder}/package.json`).resolve('@brokkr/scheduler');
  } catch {
    throw new UsageError(`no @brokkr/scheduler in ${folder}; install it: npm install @brokkr/scheduler`);
  }
}
