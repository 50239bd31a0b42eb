import type { TaskTotals } from '../broker/worker-report.ts';

/** Where a worker's report takes its counts from. */
export interface TotalsSource {
  /** Counts since the worker started: at most 200 tasks, further ones summed under `_other`. */
  totals(): readonly TaskTotals[];
}
