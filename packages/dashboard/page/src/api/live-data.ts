import { signal, type Signal } from '@preact/signals';
import type { BulkJob, LiveEvent, Overview, QueueRow, TaskRow, WorkerRow } from '../../../src/api/types.ts';
import { notBefore } from './clock.ts';

/** Rows by their keys, with the time they were complete. `at` is 0 before the first answer. */
export interface LiveList<Row> {
  readonly at: number;
  readonly rows: ReadonlyMap<string, Row>;
  readonly error?: string | undefined;
}

const empty = { at: 0, rows: new Map<string, never>() };

/** The last overview of the broker. */
export const overview = signal<Overview | undefined>(undefined);
/** The queue whose page is open. */
export const openQueue = signal<QueueRow | undefined>(undefined);
export const queues = signal<LiveList<QueueRow>>(empty);
export const workers = signal<LiveList<WorkerRow>>(empty);
export const tasks = signal<LiveList<TaskRow>>(empty);
export const bulkJobs = signal<LiveList<BulkJob>>(empty);

/** Forgets everything: another broker is shown. */
export function forgetLiveData(): void {
  overview.value = undefined;
  openQueue.value = undefined;
  for (const list of [queues, workers, tasks, bulkJobs]) list.value = empty;
}

/** Takes one event of the stream, or the same made of an answer to a poll. */
export function takeEvent(event: LiveEvent): void {
  notBefore(event.at);
  if (event.topic === 'overview') overview.value = event.value;
  else if (event.topic === 'queues') change(queues, event, (row) => row.name);
  else if (event.topic === 'workers') change(workers, event, (row) => row.id);
  else if (event.topic === 'tasks') change(tasks, event, taskKey);
  else if (event.topic === 'bulk') change(bulkJobs, event, (row) => row.id);
  else openQueue.value = event.value;
}

/** Key of a task's row. */
export function taskKey({ queue, task }: { readonly queue: string; readonly task: string }): string {
  return `${queue} ${task}`;
}

function change<Row>(
  list: Signal<LiveList<Row>>,
  event: {
    readonly at: number;
    readonly whole: boolean;
    readonly items: readonly Row[];
    readonly gone: readonly string[];
    readonly error?: { readonly message: string };
  },
  key: (row: Row) => string,
): void {
  const rows = event.whole ? new Map<string, Row>() : new Map(list.value.rows);
  for (const row of event.items) rows.set(key(row), row);
  for (const name of event.gone) rows.delete(name);
  list.value = { at: event.at, rows, error: event.error?.message };
}
