import { type AgedReport, readReport, type WorkerDirectory, type WorkerReport } from '@brokkr/core/adapter';
import type { QueueCalls } from '../queue-calls.ts';
import { releaseWorker } from '../scripts/release-worker.ts';
import { dropReport, readReports, storeReport } from '../scripts/worker-reports.ts';
import { queueNames } from './queue-names.ts';

const LEAST_MS = 5_000;
/** A report takes the server about 40 µs: with this, all workers together take at most 0.4 % of it. */
const MS_PER_WORKER = 10;
/** How often a process looks for expired reports, and counts the others. */
const SWEEP_EVERY_MS = 60_000;

/** Keeps the reports of living workers, and ends the leases of workers that died. */
export class RedisWorkerDirectory implements WorkerDirectory {
  readonly #calls: QueueCalls;
  #workers = 1;
  #sweepAt = 0;

  constructor(calls: QueueCalls) {
    this.#calls = calls;
  }

  async report(report: WorkerReport, ttlMs: number): Promise<{ readonly nextMs: number }> {
    const sweeps = performance.now() >= this.#sweepAt;
    const args = [report.id, JSON.stringify(report), String(Math.max(1, Math.ceil(ttlMs))), sweeps ? '1' : '0'];
    const workers = (await this.#calls.runAt(storeReport, this.#calls.keys.workers, args)) as number;
    if (sweeps) this.#sweepAt = performance.now() + SWEEP_EVERY_MS;
    if (workers >= 0) this.#workers = workers;
    return { nextMs: Math.max(LEAST_MS, this.#workers * MS_PER_WORKER) };
  }

  async retire(workerId: string): Promise<void> {
    await this.#calls.runAt(dropReport, this.#calls.keys.workers, [workerId]);
  }

  /** Texts that are not reports are left out: another client wrote them. */
  async reports(): Promise<readonly AgedReport[]> {
    // A scan may return a worker twice.
    const reports = new Map<string, AgedReport>();
    let cursor = '0';
    do {
      const [next, ...page] = (await this.#calls.runAt(readReports, this.#calls.keys.workers, [cursor])) as readonly [
        Buffer,
        ...(Buffer | number)[],
      ];
      for (let at = 0; at < page.length; at += 2) {
        const report = readReport(String(page[at]));
        if (report !== undefined) reports.set(report.id, { report, ageMs: page[at + 1] as number });
      }
      cursor = String(next);
    } while (cursor !== '0');
    return [...reports.values()];
  }

  /** @throws the error of the first queue that failed, after the leases of all others were ended */
  async release(workerId: string): Promise<number> {
    const { valid } = await queueNames(this.#calls);
    const released = await Promise.allSettled(valid.map((queue) => this.#release(queue, workerId)));
    const failed = released.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return released.reduce((total, outcome) => total + (outcome.status === 'fulfilled' ? outcome.value : 0), 0);
  }

  async #release(queue: string, workerId: string): Promise<number> {
    let released = 0;
    let cursor = '0';
    do {
      const answer = (await this.#calls.run(releaseWorker, queue, [workerId, cursor])) as readonly [Buffer, number];
      cursor = String(answer[0]);
      released += answer[1];
    } while (cursor !== '0');
    return released;
  }
}
