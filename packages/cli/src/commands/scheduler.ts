import type { SchedulerManager } from '@brokkr/scheduler';
import { type App, closeApp, loadApp } from '../app/load-app.ts';
import { loadSchedulers } from '../app/load-scheduler.ts';
import { EXIT } from '../exit.ts';
import { noteBroker } from '../explain.ts';
import { type MonitorFlags, monitorOptions } from '../monitoring/monitor-options.ts';
import { openMonitoring } from '../monitoring/open-monitoring.ts';
import { schedulerSource } from '../monitoring/scheduler-source.ts';
import { after, FORCED_END_MS } from '../deadline.ts';
import { StopRequests } from '../processes/stop-requests.ts';

export interface SchedulerCommandOptions extends MonitorFlags {
  readonly app?: string;
  readonly broker?: string;
}

/** Runs the application's schedules until it is asked to stop. @returns the exit code */
export async function schedulerCommand({ app, broker, ...flags }: SchedulerCommandOptions): Promise<number> {
  const requests = new StopRequests(() => process.exit(EXIT.fine));
  const monitoring = monitorOptions(flags);
  const options = { runMode: 'producer', ...(broker === undefined ? {} : { brokerUrl: broker }) } as const;
  try {
    const loaded = await loadApp(app, options);
    try {
      const schedulers = await loadSchedulers(loaded, options);
      const closeMonitoring = await openMonitoring(monitoring, await schedulerSource(schedulers), loaded.core);
      await runSchedulers(loaded, schedulers, requests).finally(closeMonitoring);
    } catch (error) {
      noteBroker(error, loaded.core.redactUrl(loaded.manager.config.brokerUrl));
      throw error;
    } finally {
      await closeApp(loaded);
    }
  } finally {
    requests.close();
  }
  return EXIT.fine;
}

async function runSchedulers(
  { core, manager }: App,
  schedulers: readonly SchedulerManager[],
  requests: StopRequests,
): Promise<void> {
  const stopAll = () => Promise.all(schedulers.map((scheduler) => scheduler.stop()));
  const stopped = new Promise<void>((resolve, reject) => {
    requests.listen((request) => {
      if (request === 'now') process.exit(EXIT.failed);
      const limitMs = manager.config.shutdownTimeoutMs + FORCED_END_MS;
      after(limitMs, () => {
        core.logger.fatal(`the scheduler did not stop within ${limitMs / 1_000} s; it ends now`);
        process.exit(EXIT.failed);
      });
      stopAll().then(() => resolve(), reject);
    });
  });
  try {
    // A stop that arrives during the start must not wait for it: an unreachable server delays a start for long.
    await Promise.race([Promise.all(schedulers.map((scheduler) => scheduler.start())), stopped]);
    await stopped;
  } finally {
    // If one could not start, the others have.
    await stopAll();
  }
}
