import type { BulkJob, LetterQuery } from '../api/types.ts';

/** Most bytes of a value of `StateStore`. */
const MOST_BYTES = 1_024;
/** Lengths to which texts are cut, until the record is small enough. */
const LENGTHS = [200, 60, 15];
const ACTIONS: readonly unknown[] = ['retry', 'discard', 'move'];
const STATES: readonly unknown[] = ['running', 'done', 'stopped', 'failed'];
const FILTERS = ['task', 'error', 'group', 'text'] as const;
const TIMES = ['since', 'until'] as const;

/** A bulk job as the broker keeps it, and the time of its last sign of life. */
export interface JobRecord {
  readonly job: BulkJob;
  readonly beatAt: number;
}

/** @returns at most 1 KiB: long texts are cut */
export function encodeJobRecord({ job, beatAt }: JobRecord): string {
  for (const length of LENGTHS) {
    const value = JSON.stringify({ ...cutJob(job, length), beatAt });
    if (Buffer.byteLength(value) <= MOST_BYTES) return value;
  }
  return JSON.stringify({ ...cutJob(job, 0), filter: {}, beatAt });
}

/** @returns `undefined` for a value that this dashboard cannot read, such as one of a later version */
export function decodeJobRecord(value: string): JobRecord | undefined {
  const given = parsed(value);
  if (given === undefined) return undefined;
  const { id, do: action, queue, to, who, state, startedAt, endedAt, done, looked, total, beatAt } = given;
  const texts = [id, queue, who].every((text) => typeof text === 'string' && text !== '');
  const numbers = [startedAt, done, looked, total, beatAt].every(Number.isFinite);
  if (!texts || !numbers || !ACTIONS.includes(action) || !STATES.includes(state)) return undefined;
  const job: BulkJob = {
    ...({ id, do: action, queue, who, state, startedAt, done, looked, total } as BulkJob),
    filter: filterOf(given.filter),
    ...(typeof to === 'string' && { to }),
    ...(Number.isFinite(endedAt) && { endedAt: endedAt as number }),
    ...errorOf(given.error),
  };
  return { job, beatAt: beatAt as number };
}

function parsed(value: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const given: unknown = JSON.parse(value);
    return typeof given === 'object' && given !== null ? (given as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

function filterOf(given: unknown): LetterQuery {
  if (typeof given !== 'object' || given === null) return {};
  const fields = given as Readonly<Record<string, unknown>>;
  const texts = FILTERS.filter((name) => typeof fields[name] === 'string').map((name) => [name, fields[name]]);
  const times = TIMES.filter((name) => Number.isFinite(fields[name])).map((name) => [name, fields[name]]);
  return Object.fromEntries([...texts, ...times]) as LetterQuery;
}

function errorOf(given: unknown): Pick<BulkJob, 'error'> {
  const { code, message } = (given ?? {}) as Readonly<Record<string, unknown>>;
  return typeof code === 'string' && typeof message === 'string' ? { error: { code, message } } : {};
}

function cutJob(job: BulkJob, length: number): BulkJob {
  const { filter, who, error } = job;
  const texts = FILTERS.flatMap((name) => {
    const text = filter[name];
    return text === undefined ? [] : [[name, cut(text, length)]];
  });
  return {
    ...job,
    who: cut(who, Math.max(1, length)),
    filter: { ...filter, ...Object.fromEntries(texts) },
    ...(error !== undefined && { error: { code: error.code, message: cut(error.message, length) } }),
  };
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`;
}
