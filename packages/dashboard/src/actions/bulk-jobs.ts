import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BulkJob } from '../api/types.ts';
import { ApiError } from '../http/api-error.ts';
import { BulkRun, type BulkWork } from './bulk-job.ts';
import type { JobRecords } from './job-records.ts';

/** Jobs that are remembered, and jobs at one time. */
const MOST_JOBS = 50;
const MOST_RUNNING = 5;
/** How long a request waits for the count: after it, the job counts on, and its row says how it went. */
const COUNT_MS = 8_000;
/** How often jobs of other dashboards are read while they run and a page is open. */
const READ_MS = 3_000;
/** How long a list waits for them: a broker that is unreachable does not keep it from the jobs of this dashboard. */
const READ_WITHIN_MS = 1_000;

/** Bulk jobs of one broker: those of this dashboard, and those of others that the broker keeps. */
export class BulkJobs {
  readonly #records: JobRecords;
  readonly #runs = new Map<string, BulkRun>();
  readonly #watchers = new Set<() => void>();
  readonly #working = new Set<Promise<void>>();

  #reading: Promise<void> | undefined;
  #readingAgain: NodeJS.Timeout | undefined;

  constructor(records: JobRecords) {
    this.#records = records;
  }

  /** Newest first. */
  get rows(): readonly BulkJob[] {
    const own = [...this.#runs.values()].map(({ row }) => row);
    const others = this.#records.jobs.filter(({ id }) => !this.#runs.has(id));
    return [...own, ...others].sort((a, b) => b.startedAt - a.startedAt);
  }

  /** `rows`, after jobs of other dashboards were read, or after 1 s. */
  async read(): Promise<readonly BulkJob[]> {
    await Promise.race([this.#readOthers(), sleep(READ_WITHIN_MS, undefined, { ref: false })]);
    return this.rows;
  }

  /** Calls `seen` when a job has changed, until the returned function is called. */
  watch(seen: () => void): () => void {
    this.#watchers.add(seen);
    void this.#readOthers();
    return () => void this.#watchers.delete(seen);
  }

  /**
   * Starts a job. Resolves once its letters are counted, or after 8 s.
   *
   * @param onEnd called with the number of changed letters
   * @throws ApiError 409 if the count is off, 429 if five jobs are running
   * @throws the error of the broker if the letters cannot be counted
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
      if (!isRight) return;
      const kept = await this.#records.keep(() => run.row);
      onEnd(await run.change());
      await kept.end();
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
      // The answer says it. The list has no job that changed nothing.
      this.#runs.delete(id);
      this.#changed();
      if (run.failure !== undefined) throw run.failure;
      const details = run.matched === undefined ? {} : { matched: run.matched };
      throw new ApiError(409, error.code, error.message, { details });
    }
    return id;
  }

  /** @returns false if the job is unknown, belongs to another dashboard, or has ended */
  stop(id: string): boolean {
    const run = this.#runs.get(id);
    if (run?.row.state !== 'running') return false;
    run.stop();
    return true;
  }

  find(id: string): BulkJob | undefined {
    return this.rows.find((row) => row.id === id);
  }

  /** Stops all jobs, and waits for their batches in progress. */
  async close(): Promise<void> {
    clearTimeout(this.#readingAgain);
    this.#watchers.clear();
    for (const run of this.#runs.values()) run.stop();
    await Promise.all(this.#working);
  }

  /** Reads jobs of other dashboards, and reads on while some of them run and a page is open. */
  #readOthers(): Promise<void> {
    this.#reading ??= this.#readOnce().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readOnce(): Promise<void> {
    clearTimeout(this.#readingAgain);
    const before = JSON.stringify(this.#records.jobs);
    const isRunning = await this.#records.read();
    if (JSON.stringify(this.#records.jobs) !== before) this.#changed();
    if (!isRunning || this.#watchers.size === 0) return;
    this.#readingAgain = setTimeout(() => void this.#readOthers(), READ_MS).unref();
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
