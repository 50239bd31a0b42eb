import type { AgedReport, Clock, WorkerDirectory, WorkerReport } from '@brokkr/core/adapter';
import type { MemoryQueue } from './memory-queue.ts';

interface Kept {
  readonly report: WorkerReport;
  readonly at: number;
  readonly endsAt: number;
}

const NEXT_MS = 5_000;

/** Reports of the workers of one memory server. */
export class MemoryWorkers implements WorkerDirectory {
  readonly #clock: Clock;
  readonly #queues: () => readonly MemoryQueue[];
  readonly #reports = new Map<string, Kept>();

  constructor(clock: Clock, queues: () => readonly MemoryQueue[]) {
    this.#clock = clock;
    this.#queues = queues;
  }

  async report(report: WorkerReport, ttlMs: number): Promise<{ readonly nextMs: number }> {
    const at = this.#clock.monotonic();
    // A copy, as a wire would make: the worker may go on counting in its objects.
    this.#reports.set(report.id, { report: structuredClone(report), at, endsAt: at + ttlMs });
    return { nextMs: NEXT_MS };
  }

  async retire(workerId: string): Promise<void> {
    this.#reports.delete(workerId);
  }

  async reports(): Promise<readonly AgedReport[]> {
    const now = this.#clock.monotonic();
    for (const [id, { endsAt }] of this.#reports) if (endsAt <= now) this.#reports.delete(id);
    return [...this.#reports.values()].map(({ report, at }) => ({ report: structuredClone(report), ageMs: now - at }));
  }

  async release(workerId: string): Promise<number> {
    return this.#queues().reduce((released, queue) => released + queue.releaseWorker(workerId), 0);
  }
}
