import type { WorkerReport } from './worker-report.ts';

/** A report, and its age by one clock: the server's, if it keeps reports. */
export interface AgedReport {
  readonly report: WorkerReport;
  readonly ageMs: number;
}

/** The part of a broker that knows the living workers, and the messages each of them holds. */
export interface WorkerDirectory {
  /**
   * Stores a report in place of the worker's last one. It is forgotten after `ttlMs`. A broker that keeps no reports
   * sends it only to processes that asked within the last 30 s.
   * @returns when the next report is wanted, in milliseconds: later if there are many workers
   */
  report(report: WorkerReport, ttlMs: number): Promise<{ readonly nextMs: number }>;

  /** Forgets the report of a worker that stopped, of this process or another: a supervisor retires a child that died. */
  retire(workerId: string): Promise<void>;

  /** Reports that were not forgotten. If the broker keeps none: those that workers send within a second. */
  reports(): Promise<readonly AgedReport[]>;

  /**
   * Ends every lease that `workerId` holds, in all queues. Each counts as a crash, unlike the settlement `release`. A
   * supervisor calls it for a child that died, so that its messages need not wait for the end of the leases. Left out if
   * the server does this by itself.
   * @returns how many leases ended
   */
  release?(workerId: string): Promise<number>;
}
