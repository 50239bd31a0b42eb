import type { WorkerOptions } from '@brokkr/core';
import type { App } from '../app/load-app.ts';
import { EXIT } from '../exit.ts';
import { REFUSED } from './child.ts';

/** After a second signal a process is gone within this. */
const AT_ONCE_MS = 800;

/** Runs a worker in this process until a signal, or the end of its supervisor, stops it; resolves with the exit code. */
export async function runWorker({ core, manager }: App, options: WorkerOptions): Promise<number> {
  const worker = manager.createWorker(options);
  const stopped = new Promise<number>((resolve, reject) => {
    let signals = 0;
    let failed = false;
    const stop = () => {
      signals++;
      if (signals > 1) setTimeout(() => process.exit(EXIT.failed), AT_ONCE_MS).unref();
      worker
        .stop(signals > 1 ? { timeout: 0 } : {})
        .then(({ interrupted }) => resolve(failed || interrupted > 0 ? EXIT.failed : EXIT.fine), reject);
    };
    // What a handler left behind has failed: nobody can tell what else is broken, so this process finishes and ends.
    const fail = (error: unknown) => {
      core.logger.fatal({ error }, 'an error nobody caught; the worker finishes what runs and ends');
      failed = true;
      if (signals === 0) stop();
    };
    process.on('SIGINT', stop).on('SIGTERM', stop);
    process.on('uncaughtException', fail).on('unhandledRejection', fail);
    // A supervisor that died can no longer stop its children.
    process.once('disconnect', stop);
  });
  try {
    await worker.start();
    return await stopped;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'BROKER_REFUSED') await tellSupervisor(REFUSED);
    throw error;
  } finally {
    // After a start that failed too: what is connected, or tries to, would keep the process for ever.
    await manager.close();
    if (process.connected) process.disconnect();
  }
}

/** Of a process that has one. */
async function tellSupervisor(message: string): Promise<void> {
  // Where it is gone by now, nobody needs to know.
  if (process.connected) await new Promise<void>((resolve) => process.send?.(message, () => resolve()));
}
