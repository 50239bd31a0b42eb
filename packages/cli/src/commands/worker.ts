import { loadApp, managerToServe } from '../app/load-app.ts';
import { refuseMemory } from '../app/own-process.ts';
import { supervise } from '../processes/supervise.ts';
import { runWorker } from '../processes/run-worker.ts';
import { parseQueues } from './parse-queues.ts';

export interface WorkerCommandOptions {
  readonly app?: string;
  readonly manager?: string;
  readonly queues?: string;
  readonly concurrency?: number;
  readonly processes: number;
  readonly broker?: string;
  readonly watch: boolean;
  readonly workerId?: string;
}

/** Runs a worker in this process, or in several that it looks after. Resolves with the exit code. */
export async function workerCommand(options: WorkerCommandOptions): Promise<number> {
  const { app, manager, broker, concurrency, workerId, processes, watch } = options;
  const queues = options.queues === undefined ? undefined : parseQueues(options.queues);
  const settings = { runMode: 'worker', ...(broker === undefined ? {} : { brokerUrl: broker }) } as const;
  const loaded = await loadApp(app, settings, managerToServe(manager));
  if (processes === 1 && !watch) return runWorker(loaded, { queues, concurrency, workerId });
  // Its children do the work; here the application was loaded to find what is wrong with it before they start.
  if (processes > 1) refuseMemory(loaded.manager, `brokkr worker -p ${processes}`);
  return supervise(loaded, { ...options, queues: options.queues });
}
