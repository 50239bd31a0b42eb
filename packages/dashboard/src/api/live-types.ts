import type { BulkJob } from './action-types.ts';
import type { Overview, QueueRow } from './queue-types.ts';
import type { ErrorBody } from './session-types.ts';
import type { TaskRow, WorkerRow } from './worker-types.ts';

/** Topics of `GET live`. */
export type Topic = 'overview' | 'queues' | 'workers' | 'tasks' | 'bulk' | `queue:${string}`;

/**
 * The `data` of one event of the stream: first everything of each topic, then what changed, at most once a second. The key
 * of a row is `name` (queues), `id` (workers, bulk), or `queue` and `task` (tasks).
 */
export type LiveEvent =
  | { readonly topic: 'overview'; readonly at: number; readonly value: Overview }
  | { readonly topic: `queue:${string}`; readonly at: number; readonly value: QueueRow }
  | LiveRows<'queues', QueueRow>
  | LiveRows<'workers', WorkerRow>
  | LiveRows<'tasks', TaskRow>
  | LiveRows<'bulk', BulkJob>;

/** Rows of a list: all of them, or those that changed. */
export interface LiveRows<Name extends Topic, Row> {
  readonly topic: Name;
  readonly at: number;
  /** Whether `items` takes the place of all rows. */
  readonly whole: boolean;
  readonly items: readonly Row[];
  /** Keys of rows that are gone: `name`, `id`, or `queue` and `task` with a space between. */
  readonly gone: readonly string[];
  readonly error?: ErrorBody['error'];
}
