import { livesInOneProcess } from '../app/own-process.ts';
import type { SchedulerManager } from '@brokkr/scheduler';
import { quietSettings } from '../app/quiet-settings.ts';
import { closeApp, loadApp } from '../app/load-app.ts';
import { loadSchedulers } from '../app/load-scheduler.ts';
import { EXIT } from '../exit.ts';
import { describe, noteBroker } from '../explain.ts';
import { print, printable, printJson } from '../output.ts';
import { table } from '../terminal/table.ts';

export interface ScheduleListOptions {
  readonly app?: string;
  readonly json: boolean;
}

const SHOWN_RUNS = 3;

/**
 * Lists the application's jobs: trigger, time zone, the next runs, and whether the job is paused at the broker.
 *
 * @returns the exit code: 1 if the broker answers, but the pauses cannot be read
 */
export async function scheduleListCommand({ app, json }: ScheduleListOptions): Promise<number> {
  const loaded = await loadApp(app, quietSettings);
  try {
    const schedulers = await loadSchedulers(loaded, quietSettings);
    const reading = Promise.all(schedulers.filter(isShared).map((scheduler) => scheduler.readState()));
    const failure = await reading.then(() => undefined, ifSpoiled);
    const jobs = schedulers.flatMap(jobsOf).map((job) => (failure === undefined ? job : { ...job, paused: null }));
    if (failure !== undefined)
      process.stderr.write(`error: ${printable(`the pauses of jobs are unknown: ${describe(failure)}`)}\n`);
    if (json) printJson(jobs, 2);
    else print(asTable(jobs));
    return failure === undefined ? EXIT.fine : EXIT.failed;
  } catch (error) {
    noteBroker(error, loaded.core.redactUrl(loaded.manager.config.brokerUrl));
    throw error;
  } finally {
    await closeApp(loaded);
  }
}

/** The error of another client's value in the key of the state. @throws any other error */
function ifSpoiled(error: unknown): Error {
  if (error instanceof Error && (error as { code?: unknown }).code === 'KEY_SPOILED') return error;
  throw error;
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

type ListedJob = Omit<ReturnType<typeof jobsOf>[number], 'paused'> & { readonly paused: boolean | null };

function asTable(jobs: readonly ListedJob[]): string {
  const head = ['job', 'task', 'trigger', 'zone', 'next runs', 'paused'];
  const rows = jobs.map(({ id, task, trigger, timezone, nextRuns, paused }) => [
    id,
    task,
    trigger,
    timezone,
    nextRuns.length === 0 ? 'never again' : nextRuns.join('\n'),
    paused === null ? undefined : paused ? 'yes' : '',
  ]);
  return table(head, rows);
}
