import { TaskWorker, type TaskWorkerOptions } from '../worker/task-worker.ts';
import type { StopOptions, StopReport } from '../worker/worker.ts';

export interface ManagedWorkerHooks {
  /** Called before a stop. */
  readonly beforeStop: () => void;
  /** Called once the worker has stopped, or could not start. */
  readonly onEnded: (worker: ManagedWorker) => void;
}

/** A worker that notifies its manager when it ends. */
export class ManagedWorker extends TaskWorker {
  readonly #hooks: ManagedWorkerHooks;
  #wasStarted = false;

  constructor(options: TaskWorkerOptions, hooks: ManagedWorkerHooks) {
    super(options);
    this.#hooks = hooks;
  }

  override start(): Promise<void> {
    const starting = super.start();
    // A second start is refused, and does not end the worker.
    if (!this.#wasStarted) starting.catch(() => this.#hooks.onEnded(this));
    this.#wasStarted = true;
    return starting;
  }

  override async stop(options?: StopOptions): Promise<StopReport> {
    this.#hooks.beforeStop();
    const report = await super.stop(options);
    this.#hooks.onEnded(this);
    return report;
  }
}
