import { livesInOneProcess } from '../app/own-process.ts';
import type { SchedulerManager } from '@brokkr/scheduler';
import { quietSettings } from '../app/quiet-settings.ts';
import { closeApp, loadApp } from '../app/load-app.ts';
import { loadSchedulers } from '../app/load-scheduler.ts';
import { noteBroker } from '../explain.ts';
import { print, printJson } from '../output.ts';
import { table } from '../terminal/table.ts';

export interface ScheduleListOptions {
  readonly app?: string;
  readonly json: boolean;
}

const SHOWN_RUNS = 3;

/** Lists the application's jobs: trigger, time zone, the next runs, and whether the job is paused at the broker. */
export async function scheduleListCommand({ app, json }: ScheduleListOptions): Promise<void> {
  const loaded = await loadApp(app, quietSettings);
  try {
    const schedulers = await loadSchedulers(loaded, quietSettings);
    await Promise.all(schedulers.filter(isShared).map((scheduler) => scheduler.readState()));
    const jobs = schedulers.flatMap(jobsOf);
    if (json) printJson(jobs, 2);
    else print(asTable(jobs));
  } catch (error) {
    noteBroker(error, loaded.core.redactUrl(loaded.manager.config.brokerUrl));
    throw error;
  } finally {
    await closeApp(loaded);
  }
}

/** A memory broker holds no state of another process. */
function isShared(scheduler: SchedulerManager): boolean {
  const [manager] = scheduler.managers();
  return !livesInOneProcess(manager);
}

function jobsOf(scheduler: SchedulerManager) {
  return scheduler.getJobs().map((job) => ({
    id: job.id,
    task: job.taskName,
    trigger: job.trigger,
    timezone: job.timezone,
    nextRuns: job.nextRuns(SHOWN_RUNS).map((run) => run.toISOString()),
    paused: job.paused,
  }));
}

function asTable(jobs: ReturnType<typeof jobsOf>): string {
  const head = ['job', 'task', 'trigger', 'zone', 'next runs', 'paused'];
  const rows = jobs.map(({ id, task, trigger, timezone, nextRuns, paused }) => [
    id,
    task,
    trigger,
    timezone,
    nextRuns.length === 0 ? 'never again' : nextRuns.join('\n'),
    paused ? 'yes' : '',
  ]);
  return table(head, rows);
}
