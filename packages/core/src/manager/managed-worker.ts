import { TaskWorker, type TaskWorkerOptions } from '../worker/task-worker.ts';
import type { StopOptions, StopReport } from '../worker/worker.ts';

/** A worker that tells its manager when it has ended: it has stopped, or could not start. */
export class ManagedWorker extends TaskWorker {
  readonly #onEnded: (worker: ManagedWorker) => void;
  #wasStarted = false;

  constructor(options: TaskWorkerOptions, onEnded: (worker: ManagedWorker) => void) {
    super(options);
    this.#onEnded = onEnded;
  }

  override start(): Promise<void> {
    const starting = super.start();
    // A second start is refused, and ends nothing.
    if (!this.#wasStarted) starting.catch(() => this.#onEnded(this));
    this.#wasStarted = true;
    return starting;
  }

  override async stop(options?: StopOptions): Promise<StopReport> {
    const report = await super.stop(options);
    this.#onEnded(this);
    return report;
  }
}
