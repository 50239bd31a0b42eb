import { randomUUID } from 'node:crypto';
import type { BulkJob } from '../api/types.ts';
import { ApiError } from '../http/api-error.ts';
import { BulkRun, type BulkWork } from './bulk-job.ts';

/** Jobs that are remembered, and jobs at one time. */
const MOST_JOBS = 50;
const MOST_RUNNING = 5;
/** How long a request waits for the count: after it, the job counts on, and its row says how it went. */
const COUNT_MS = 8_000;

/** Bulk jobs of one broker, in the memory of this dashboard. */
export class BulkJobs {
  readonly #runs = new Map<string, BulkRun>();
  readonly #watchers = new Set<() => void>();
  readonly #working = new Set<Promise<void>>();

  /** Newest first. */
  get rows(): readonly BulkJob[] {
    return [...this.#runs.values()].map(({ row }) => row).reverse();
  }

  /** Calls `seen` when a job has changed, until the returned function is called. */
  watch(seen: () => void): () => void {
    this.#watchers.add(seen);
    return () => void this.#watchers.delete(seen);
  }

  /**
   * Starts a job. Resolves once its letters are counted, or after 8 s.
   *
   * @param onEnd called with the number of changed letters
   * @throws ApiError 409 if the count is off, 429 if five jobs are running
   */
  async start(work: Omit<BulkWork, 'id' | 'onChange'>, onEnd: (done: number) => void): Promise<string> {
    if (this.#working.size >= MOST_RUNNING) {
      throw new ApiError(429, 'TOO_MANY_JOBS', `${MOST_RUNNING} bulk jobs are running; wait for one of them`);
    }
    const id = randomUUID();
    const run = new BulkRun({ ...work, id, onChange: () => this.#changed() });
    this.#runs.set(id, run);
    this.#forget();
    const counted = run.count();
    const ended = counted.then(async (isRight) => {
      if (isRight) onEnd(await run.change());
    });
    const working = ended.finally(() => this.#working.delete(working));
    this.#working.add(working);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), COUNT_MS);
    });
    const isRight = await Promise.race([counted, late]);
    clearTimeout(timer);
    const { error, state } = run.row;
    if (isRight === false && error !== undefined && state === 'failed') {
      const details = run.matched === undefined ? {} : { matched: run.matched };
      throw new ApiError(error.code === 'COUNT_CHANGED' ? 409 : 502, error.code, error.message, { details });
    }
    return id;
  }

  /** @returns false if the job is unknown, or has ended */
  stop(id: string): boolean {
    const run = this.#runs.get(id);
    if (run?.row.state !== 'running') return false;
    run.stop();
    return true;
  }

  find(id: string): BulkJob | undefined {
    return this.#runs.get(id)?.row;
  }

  /** Stops all jobs, and waits for their batches in progress. */
  async close(): Promise<void> {
    for (const run of this.#runs.values()) run.stop();
    await Promise.all(this.#working);
  }

  #changed(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  #forget(): void {
    for (const [id, { row }] of this.#runs) {
      if (this.#runs.size <= MOST_JOBS) return;
      if (row.state !== 'running') this.#runs.delete(id);
    }
  }
}
