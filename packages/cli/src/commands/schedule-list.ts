import { livesInOneProcess } from '../app/own-process.ts';
import type { SchedulerManager } from '@brokkr/scheduler';
import Table from 'cli-table3';
import { quietSettings } from '../app/quiet-settings.ts';
import { closeApp, loadApp } from '../app/load-app.ts';
import { loadSchedulers } from '../app/load-scheduler.ts';
import { noteBroker } from '../explain.ts';
import { print, printable, printJson } from '../output.ts';

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
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const { id, task, trigger, timezone, nextRuns, paused } of jobs) {
    const runs = nextRuns.length === 0 ? 'never again' : nextRuns.join('\n');
    table.push([printable(id), printable(task), printable(trigger), timezone, runs, paused ? 'yes' : '']);
  }
  return table.toString();
}
