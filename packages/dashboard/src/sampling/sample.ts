import type { AgedReport } from '@brokkr/core/adapter';
import type { ErrorBody, Overview, QueueRow, TaskRow, Warning, WorkerRow } from '../api/types.ts';

/** Everything that was known of a broker at one time. It is not changed later: all pages share it. */
export interface Sample {
  readonly at: number;
  /** Grows with each sample. */
  readonly number: number;
  /** Since when samples were taken without a gap of a minute. Left out until the broker has answered. */
  readonly lookedSince?: number;
  /** By name. */
  readonly queues: ReadonlyMap<string, QueueRow>;
  /** Left out if the broker has no reports. */
  readonly reports: readonly AgedReport[] | undefined;
  readonly workers: readonly WorkerRow[];
  readonly tasks: readonly TaskRow[];
  readonly warnings: readonly Warning[];
  /** Sums for users that see all queues. */
  readonly total: Pick<Overview, 'done' | 'failed' | 'wait50' | 'wait95' | 'deadAdded' | 'deadSince' | 'deadNew'>;
  /** Why the broker could not be asked: the rest is of an earlier time then. */
  readonly error?: ErrorBody['error'];
}

export const NO_SAMPLE: Omit<Sample, 'at'> = {
  number: 0,
  queues: new Map(),
  reports: undefined,
  workers: [],
  tasks: [],
  warnings: [],
  total: {},
};
