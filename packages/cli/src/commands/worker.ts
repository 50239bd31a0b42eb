import { loadApp, managerToServe } from '../app/load-app.ts';
import { refuseMemory } from '../app/own-process.ts';
import { EXIT } from '../exit.ts';
import { noteBroker } from '../explain.ts';
import { workerMonitorOptions } from '../monitoring/monitor-options.ts';
import { takeSupervisorBroker } from '../processes/child-command.ts';
import { guardExit } from '../processes/exit-guard.ts';
import { runWorker } from '../processes/run-worker.ts';
import { StopRequests } from '../processes/stop-requests.ts';
import { supervise } from '../processes/supervise.ts';
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
  readonly metricsPort?: number;
  readonly metricsHost?: string;
  readonly healthFile?: string;
  /** A supervisor of this command started the process. */
  readonly supervised: boolean;
}

/** Runs a worker in this process, or in several that it supervises. @returns the exit code */
export async function workerCommand(options: WorkerCommandOptions): Promise<number> {
  const permitExit = guardExit((message) => process.stderr.write(`error: ${message} while the application loaded\n`));
  const requests = new StopRequests(() => {
    permitExit();
    process.exit(EXIT.fine);
  }, options.supervised);
  try {
    return await loadAndRun(options, requests, permitExit);
  } finally {
    permitExit();
    requests.close();
  }
}

async function loadAndRun(
  options: WorkerCommandOptions,
  requests: StopRequests,
  permitExit: () => void,
): Promise<number> {
  const { app, manager, concurrency, workerId, processes, watch } = options;
  const broker = options.supervised ? takeSupervisorBroker() : options.broker;
  const settings = { runMode: 'worker', ...(broker === undefined ? {} : { brokerUrl: broker }) } as const;
  // The supervisor of a process serves its metrics, and has the same environment.
  const monitoring = options.supervised ? {} : await workerMonitorOptions(options);
  const loaded = await loadApp(app, settings, managerToServe(manager));
  permitExit();
  const queues = options.queues === undefined ? undefined : parseQueues(options.queues, loaded.manager);
  if (processes > 1) refuseMemory(loaded.manager, `brokkr worker -p ${processes}`);
  try {
    if (processes === 1 && !watch)
      return await runWorker(loaded, { queues, concurrency, workerId }, requests, monitoring);
    // The children do the work. The application was loaded here to find its faults before they start.
    return await supervise(loaded, { ...options, monitoring }, requests);
  } catch (error) {
    noteBroker(error, loaded.core.redactUrl(loaded.manager.config.brokerUrl));
    throw error;
  }
}
