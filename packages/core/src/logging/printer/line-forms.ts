import { printable } from '../printable.ts';
import { errorOf, type LoggedError, type LoggedTask, type LogRecord, summaryOf, taskOf } from './log-record.ts';
import type { Marks } from './marks.ts';
import type { Paint, Style } from './style.ts';

/** A line before it is laid out: its parts are joined, its error follows. */
export interface Form {
  readonly mark: string;
  readonly style: Style | undefined;
  /** Painted parts of the first line. */
  readonly parts: readonly string[];
  readonly error?: LoggedError | undefined;
  /** Lines after the error. */
  readonly after?: readonly string[];
  /** The same text for the same error of a task, if this line reports one. */
  readonly repeats?: string;
}

const LEVELS: readonly (readonly [from: number, mark: keyof Marks, style: Style | undefined])[] = [
  [50, 'failed', 'red'],
  [40, 'warning', 'yellow'],
  [30, 'none', undefined],
  [0, 'none', 'dim'],
];
/** Fields that a line shows in another way, or not at all. */
const NOT_LISTED: ReadonlySet<string> = new Set([
  'level',
  'time',
  'pid',
  'hostname',
  'msg',
  'task',
  'error',
  'traceId',
]);

/** The form of a record: lines of the worker have their own, every other line lists its fields. */
export function formOf(record: LogRecord, marks: Marks, paint: Paint): Form {
  const task = taskOf(record);
  if (task !== undefined && typeof record.nextAt === 'string') return retryForm(record, task, marks, paint);
  if (task !== undefined && typeof record.reason === 'string') return deadForm(record, task, marks, paint);
  if (Array.isArray(record.queues) && typeof record.concurrency === 'number') return startedForm(record, marks, paint);
  if (typeof record.succeeded === 'number' && typeof record.retrying === 'number') return countsForm(record, marks);
  return otherForm(record, task, marks, paint);
}

function retryForm(record: LogRecord, task: LoggedTask, marks: Marks, paint: Paint): Form {
  const error = errorOf(record.error);
  const waitMs = Date.parse(String(record.nextAt)) - Number(record.time);
  const wait = Number.isNaN(waitMs) ? String(record.nextAt) : `in ${duration(Math.max(0, waitMs))}`;
  const parts = [...taskParts(task, paint), `attempt ${task.attempt}`, ran(record), `again ${wait}`];
  const form = { mark: marks.retry, style: 'yellow', parts, error } as const;
  return error === undefined ? form : { ...form, repeats: repeated(task, error) };
}

function deadForm(record: LogRecord, task: LoggedTask, marks: Marks, paint: Paint): Form {
  const thrown = errorOf(record.error);
  const error = thrown ?? { name: '', message: String(record.reason), stack: '', cause: undefined };
  const parts = [...taskParts(task, paint), ...deathOf(record, task)];
  const command = `brokkr dead show ${printable(task.queue)} ${printable(task.id)}`;
  return { mark: marks.failed, style: 'red', parts, error, after: [command], repeats: repeated(task, error) };
}

/** A message that crashed workers did not run at its end, unless it failed then. */
function deathOf(record: LogRecord, { attempt }: LoggedTask): readonly string[] {
  const { crashes, error } = record;
  if (error !== undefined || typeof crashes !== 'number') return [`dead after attempt ${attempt}`, ran(record)];
  return [`dead after ${crashes} ${crashes === 1 ? 'crash' : 'crashes'}`];
}

function startedForm({ worker, queues, concurrency }: LogRecord, marks: Marks, paint: Paint): Form {
  const names = (queues as readonly unknown[]).map((name) => printable(String(name))).join(', ');
  const text = `worker ${printable(String(worker))} serves ${paint('bold', names)}${marks.dot}${concurrency} at the same time`;
  return { mark: marks.started, style: 'green', parts: [text] };
}

function countsForm(record: LogRecord, marks: Marks): Form {
  const counts: readonly (readonly [field: string, label: string])[] = [
    ['succeeded', 'succeeded'],
    ['retrying', 'retried'],
    ['dead', 'dead'],
    ['expired', 'expired'],
    ['leaseLost', 'leases lost'],
  ];
  const shown = counts
    .filter(([field]) => field === 'succeeded' || (Number(record[field]) || 0) > 0)
    .map(([field, label]) => `${Number(record[field])} ${label}`);
  return {
    mark: marks.counts,
    style: 'blue',
    parts: [[...shown, `${Number(record.running) || 0} running`].join(marks.dot)],
  };
}

function otherForm(record: LogRecord, task: LoggedTask | undefined, marks: Marks, paint: Paint): Form {
  const [, mark, style] = LEVELS.find(([from]) => Number(record.level) >= from) ?? (['', 'none', undefined] as const);
  const fields = Object.entries(record)
    .filter(([key]) => !NOT_LISTED.has(key))
    .map(([key, value]) => `${paint('dim', `${printable(key)}=`)}${shown(value)}`)
    .join(' ');
  const message = typeof record.msg === 'string' ? printable(record.msg) : '';
  const own = task === undefined ? [] : taskParts(task, paint);
  const error = errorOf(record.error);
  const unread = error === undefined && record.error !== undefined ? [`error=${shown(record.error)}`] : [];
  return { mark: marks[mark], style, parts: [...own, message, fields, ...unread].filter((part) => part !== ''), error };
}

function taskParts({ name, id }: LoggedTask, paint: Paint): readonly string[] {
  // Whole: commands take it.
  return [`${paint('bold', printable(name))} ${paint('dim', printable(id))}`];
}

function repeated({ name }: LoggedTask, error: LoggedError): string {
  return printable(`${name}: ${summaryOf(error)}`);
}

function ran({ durationMs }: LogRecord): string {
  return typeof durationMs === 'number' ? duration(durationMs) : '';
}

function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms * 10) / 10} ms`;
  return ms < 120_000 ? `${(ms / 1_000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`;
}

function shown(value: unknown): string {
  if (typeof value === 'string' && value !== '' && !/[\s"=]/.test(value)) return printable(value);
  return printable(JSON.stringify(value) ?? String(value));
}
