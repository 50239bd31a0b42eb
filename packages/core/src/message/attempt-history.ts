import { type ErrorRecord, errorRecord, knownError } from '../errors/error-record.ts';

/** A failed attempt. */
export interface AttemptRecord {
  readonly attempt: number;
  /** When it ended, epoch milliseconds by the worker's clock. */
  readonly at: number;
  /** How long it ran, in milliseconds. Left out if an earlier version wrote the record. */
  readonly ranMs?: number;
  /** Id of the worker that ran it. */
  readonly worker: string;
  readonly error: ErrorRecord;
}

/** Most bytes of a history: it is one header, and servers limit those. */
const LARGEST_BYTES = 16_384;

/**
 * Adds an attempt to the history in a header. The result has at most 16 KiB: the oldest attempts are shortened first.
 * @param history the header; `undefined` before the first failure
 */
export function appendAttempt(
  history: string | undefined,
  attempt: Omit<AttemptRecord, 'error'> & { readonly error: unknown },
): string {
  const records = [...readHistory(history), { ...attempt, error: errorRecord(attempt.error) }];
  return fitted(records);
}

/** Reads the attempts in a history header: an empty list if the header is absent or invalid. Never throws. */
export function readHistory(history: string | undefined): readonly AttemptRecord[] {
  if (history === undefined || history.length > LARGEST_BYTES) return [];
  try {
    const records: unknown = JSON.parse(history);
    return Array.isArray(records) ? records.flatMap((record) => attemptIn(record) ?? []) : [];
  } catch {
    return [];
  }
}

/**
 * Any program may write the header: a record is rebuilt from the fields we know. Nested as deep as JSON.parse accepts, a
 * field of another program would overflow the stack of JSON.stringify.
 */
function attemptIn(record: unknown): AttemptRecord | undefined {
  const { attempt, at, ranMs, worker, error } = (record ?? {}) as Readonly<Record<string, unknown>>;
  const known = knownError(error);
  if (typeof attempt !== 'number' || typeof at !== 'number' || typeof worker !== 'string') return undefined;
  if (known === undefined) return undefined;
  const isTime = typeof ranMs === 'number' && ranMs >= 0;
  return { attempt, at, ...(isTime && { ranMs }), worker: worker.slice(0, LONGEST_WORKER), error: known };
}

/** The longest worker id that `createWorker` takes. */
const LONGEST_WORKER = 200;

/** The records as a JSON list that fits. Each is written once, and shortened only if the list is too long. */
function fitted(records: readonly AttemptRecord[]): string {
  const written = records.map((record) => JSON.stringify(record));
  let bytes = 1 + written.reduce((sum, json) => sum + Buffer.byteLength(json) + 1, 0);
  for (const shorten of [withoutStack, nameAlone]) {
    for (let index = 0; index < records.length && bytes > LARGEST_BYTES; index++) {
      const shorter = JSON.stringify(shorten(records[index] as AttemptRecord));
      bytes += Buffer.byteLength(shorter) - Buffer.byteLength(written[index] as string);
      written[index] = shorter;
    }
  }
  let first = 0;
  for (; bytes > LARGEST_BYTES && first < written.length - 1; first++)
    bytes -= Buffer.byteLength(written[first] as string) + 1;
  return `[${written.slice(first).join(',')}]`;
}

function withoutStack(record: AttemptRecord): AttemptRecord {
  const { name, message, code } = record.error;
  return { ...record, error: { name, message: message.slice(0, 500), ...(code === undefined ? {} : { code }) } };
}

function nameAlone(record: AttemptRecord): AttemptRecord {
  return { ...record, error: { name: record.error.name, message: record.error.message.slice(0, 40) } };
}
