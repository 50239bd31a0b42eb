import { loadApp } from '../app/load-app.ts';
import { loadSchedulers } from '../app/load-scheduler.ts';
import { EXIT } from '../exit.ts';

export interface SchedulerCommandOptions {
  readonly app?: string;
  readonly broker?: string;
}

/** Runs the application's schedules until a signal ends it; resolves with the exit code. */
export async function schedulerCommand({ app, broker }: SchedulerCommandOptions): Promise<number> {
  const loaded = await loadApp(app, { runMode: 'producer', ...(broker === undefined ? {} : { brokerUrl: broker }) });
  const schedulers = await loadSchedulers(loaded);
  const stopped = new Promise<void>((resolve, reject) => {
    let signals = 0;
    const stop = () => {
      if (++signals > 1) process.exit(EXIT.failed);
      Promise.all(schedulers.map((scheduler) => scheduler.stop())).then(() => resolve(), reject);
    };
    process.on('SIGINT', stop).on('SIGTERM', stop);
  });
  try {
    await Promise.all(schedulers.map((scheduler) => scheduler.start()));
    await stopped;
  } finally {
    await loaded.manager.close();
  }
  return EXIT.fine;
}
