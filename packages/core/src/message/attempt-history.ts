import { type ErrorRecord, errorRecord } from '../errors/error-record.ts';

/** One attempt that failed. */
export interface AttemptRecord {
  readonly attempt: number;
  /** When it ended, epoch milliseconds by the worker's clock. */
  readonly at: number;
  /** Id of the worker that ran it. */
  readonly worker: string;
  readonly error: ErrorRecord;
}

/** The whole history stands in one header, and servers limit those. */
const LARGEST_BYTES = 16_384;

/** `history` (the header, or nothing yet) with one attempt more; at most 16 KiB, oldest attempts shortened first. */
export function appendAttempt(
  history: string | undefined,
  attempt: Omit<AttemptRecord, 'error'> & { readonly error: unknown },
): string {
  const records = [...readHistory(history), { ...attempt, error: errorRecord(attempt.error) }];
  return fitted(records);
}

/** The attempts in a history header; none where it is absent or not ours. */
export function readHistory(history: string | undefined): readonly AttemptRecord[] {
  if (history === undefined) return [];
  try {
    const records: unknown = JSON.parse(history);
    return Array.isArray(records) ? records.filter(isAttempt) : [];
  } catch {
    return [];
  }
}

/** Headers come from anybody: what is no attempt as we write it is left out. */
function isAttempt(record: unknown): record is AttemptRecord {
  const { attempt, at, worker, error } = (record ?? {}) as Partial<AttemptRecord>;
  return (
    typeof attempt === 'number' &&
    typeof at === 'number' &&
    typeof worker === 'string' &&
    typeof error?.name === 'string' &&
    typeof error.message === 'string'
  );
}

/** The records as a list that fits, each written once and shortened only if it must be. */
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
