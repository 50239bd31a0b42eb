import { TaskWorker, type TaskWorkerOptions } from '../worker/task-worker.ts';
import { writeMetrics } from '../metrics/write-metrics.ts';
import type { StopOptions, StopReport, Worker, WorkerHealth } from '../worker/worker.ts';
import type { ManagerMetrics } from './manager-metrics.ts';

export interface ManagedWorkerHooks {
  /** Called before a stop. */
  readonly beforeStop: () => void;
  /** Called once the worker runs. */
  readonly onStarted: (worker: ManagedWorker) => void;
  /** Called once the worker has stopped, or could not start. */
  readonly onEnded: (worker: ManagedWorker) => void;
}

/** A worker that notifies its manager of its end, and shares the manager's metrics. */
export class ManagedWorker extends TaskWorker implements Worker {
  readonly #metrics: ManagerMetrics;
  readonly #queue: string;
  readonly #hooks: ManagedWorkerHooks;
  #wasStarted = false;

  constructor(options: TaskWorkerOptions, hooks: ManagedWorkerHooks, metrics: ManagerMetrics) {
    super(options);
    this.#metrics = metrics;
    this.#queue = [...options.queues.keys()][0] as string;
    this.#hooks = hooks;
  }

  override start(): Promise<void> {
    const starting = super.start();
    // A second start is refused, and does not end the worker.
    if (!this.#wasStarted) {
      const { onStarted, onEnded } = this.#hooks;
      starting.then(
        () => onStarted(this),
        () => onEnded(this),
      );
    }
    this.#wasStarted = true;
    return starting;
  }

  override async stop(options?: StopOptions): Promise<StopReport> {
    this.#hooks.beforeStop();
    const report = await super.stop(options);
    this.#hooks.onEnded(this);
    return report;
  }

  metrics(format?: 'text' | 'openmetrics'): string {
    return writeMetrics(this.#metrics.familiesOf(this), format);
  }

  health(): Promise<WorkerHealth> {
    return this.#metrics.health(this, this.#queue);
  }
}
