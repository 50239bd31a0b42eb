import type { SchedulerManager } from '@brokkr/scheduler';
import { closeApp, loadApp } from '../app/load-app.ts';
import { loadSchedulers } from '../app/load-scheduler.ts';
import { EXIT } from '../exit.ts';

export interface SchedulerCommandOptions {
  readonly app?: string;
  readonly broker?: string;
}

/** Runs the application's schedules until a signal ends it; resolves with the exit code. */
export async function schedulerCommand({ app, broker }: SchedulerCommandOptions): Promise<number> {
  const options = { runMode: 'producer', ...(broker === undefined ? {} : { brokerUrl: broker }) } as const;
  const loaded = await loadApp(app, options);
  try {
    await runSchedulers(await loadSchedulers(loaded, options));
  } finally {
    await closeApp(loaded);
  }
  return EXIT.fine;
}

async function runSchedulers(schedulers: readonly SchedulerManager[]): Promise<void> {
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
    // Where one could not start, the others have.
    await Promise.all(schedulers.map((scheduler) => scheduler.stop()));
  }
}
