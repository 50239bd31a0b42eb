import { AsyncResource } from 'node:async_hooks';
import type { TaskContext, WorkerOptions } from '@brokkr/core';
import type { App } from '../app/load-app.ts';
import { livesInOneProcess } from '../app/own-process.ts';
import { EXIT } from '../exit.ts';
import type { MonitorOptions } from '../monitoring/monitor-options.ts';
import { openMonitoring } from '../monitoring/open-monitoring.ts';
import { answerSupervisor } from './answer-supervisor.ts';
import { after, FORCED_END_MS, inTime } from '../deadline.ts';
import { guardExit } from './exit-guard.ts';
import type { StopRequests } from './stop-requests.ts';
import { REFUSED } from './supervisor-messages.ts';

/** A process that is to end now is gone after this time. */
const END_NOW_MS = 800;
/** Time for closing connections after the worker has stopped, or could not start. */
const CLOSE_MS = 4_000;
/** Time for the last metrics to reach the supervisor. */
const LAST_ANSWER_MS = 500;

/**
 * Runs a worker in this process until it is asked to stop. Its metrics and health are served before its start hooks run,
 * and until everything else is closed.
 *
 * @returns the exit code
 */
export async function runWorker(
  app: App,
  options: WorkerOptions,
  requests: StopRequests,
  monitoring: MonitorOptions,
): Promise<number> {
  const { core, manager } = app;
  // Before the guard: options that are refused end the process with the code of wrong usage.
  const worker = manager.createWorker(options);
  const permitExit = guardExit((message) =>
    core.logger.fatal(`${caller(app)}${message}; its unfinished messages run again, and each counts a crash`),
  );
  const exit = (code: number): never => {
    permitExit();
    process.exit(code);
  };
  let cancelForcedEnd: () => void = () => undefined;
  const stopped = new Promise<number>((resolve, reject) => {
    let isStopping = false;
    let hasFailed = false;
    // Outside the task whose uncaught error stops the worker: core would take it for a call of the handler.
    const stop = AsyncResource.bind((timeout?: number) => {
      worker
        .stop(timeout === undefined ? {} : { timeout })
        .then(({ interrupted }) => resolve(hasFailed || interrupted > 0 ? EXIT.failed : EXIT.fine), reject);
      if (isStopping) return;
      isStopping = true;
      const limitMs = manager.config.shutdownTimeoutMs + FORCED_END_MS;
      cancelForcedEnd = after(limitMs, () => {
        core.logger.fatal(
          `the worker did not stop within ${limitMs / 1_000} s (TASK_SHUTDOWN_TIMEOUT and 4 s); it ends now`,
        );
        exit(EXIT.failed);
      });
    });
    requests.listen((request) => {
      if (request === 'finish') stop();
      else {
        after(END_NOW_MS, () => exit(EXIT.failed));
        stop(0);
      }
    });
    // The state of a process after an uncaught error is unknown: it finishes its other tasks and ends.
    const fail = (error: unknown) => {
      const task = core.TaskManager.failCurrentTask(error);
      core.logger.fatal(
        { error },
        `${task === undefined ? '' : `task ${task.name} (${task.id}): `}nothing caught an error; the worker finishes its running tasks and ends`,
      );
      hasFailed = true;
      if (!isStopping) stop();
    };
    process.on('uncaughtException', fail).on('unhandledRejection', fail);
    // The application closed its manager, or stopped the worker, without a request to this process.
    worker.once('stopped', () => {
      if (isStopping) return;
      core.logger.fatal('the application closed its task manager; the worker ends');
      hasFailed = true;
      stop();
    });
  });
  const stopAnswering = answerSupervisor({
    health: () => worker.health(),
    metrics: (which) => manager.metricFamilies(which),
  });
  let closeMonitoring: () => Promise<void> = async () => undefined;
  try {
    closeMonitoring = await openMonitoring(
      monitoring,
      {
        metrics: async (format) => {
          // An idle worker makes no calls: the question for its health asks the broker.
          await worker.health();
          return manager.metrics(format);
        },
        health: () => worker.health(),
      },
      core,
    );
    await worker.start();
    if (livesInOneProcess(manager)) {
      const remedy = 'set TASK_BROKER_URL to share a broker';
      core.logger.warn(`the memory broker lives in this process: messages of other processes do not arrive; ${remedy}`);
    }
    return await stopped;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'BROKER_REFUSED') await reportToSupervisor(REFUSED);
    throw error;
  } finally {
    // Also after a failed start: an open connection, or the attempt to open one, would keep the process alive.
    await inTime(manager.close(), CLOSE_MS);
    cancelForcedEnd();
    await inTime(stopAnswering(), LAST_ANSWER_MS);
    await closeMonitoring();
    permitExit();
  }
}

/** The task that called `process.exit`, for the start of a log line. */
function caller({ core }: App): string {
  let task: TaskContext;
  try {
    task = core.currentTask();
  } catch {
    return '';
  }
  return `task ${task.name} (${task.id}): `;
}

async function reportToSupervisor(message: string): Promise<void> {
  if (process.connected) await new Promise<void>((resolve) => process.send?.(message, () => resolve()));
}
