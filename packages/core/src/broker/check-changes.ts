import { ConfigError } from '../errors/errors.ts';
import { shown } from '../errors/kind-of.ts';
import type { RecordChange } from './record-store.ts';

const LONGEST_KEY = 512;
const LONGEST_FIELD = 1_024;
/** Most fields that one change may name: the server does nothing else during it. */
const MOST_FIELDS = 100_000;
const LONGEST_TTL_MS = 100 * 365 * 86_400_000;

/**
 * Checks the arguments of `records.read`.
 * @throws ConfigError (`RECORD_INVALID`) if the name is not a string of 1 to 512 characters, or that of a field of 1 to 1,024
 */
export function checkRead(key: unknown, fields: Iterable<unknown> = []): void {
  if (!isText(key, LONGEST_KEY)) {
    throw invalid(`a name must be a string of 1 to ${LONGEST_KEY} characters; got ${shown(key)}`);
  }
  for (const field of fields) {
    if (isText(field, LONGEST_FIELD)) continue;
    throw invalid(`a field must be a string of 1 to ${LONGEST_FIELD} characters; got ${shown(field)}`);
  }
}

/**
 * Checks changes of records, before the first of them takes effect.
 * @throws ConfigError (`RECORD_INVALID`) for an invalid name or field, for more than 100,000 fields, and for a `ttlMs` that
 * is not a number of milliseconds up to 100 years
 */
export function checkChanges(changes: readonly RecordChange[]): void {
  for (const { key, expect, add, set, remove = [], ttlMs } of changes) {
    for (const fields of [expect?.keys(), add?.keys(), set?.keys(), remove]) checkRead(key, fields);
    const size = (expect?.size ?? 0) + (add?.size ?? 0) + (set?.size ?? 0) + remove.length;
    if (size > MOST_FIELDS) throw invalid(`a change can name at most ${MOST_FIELDS} fields; got ${size}`);
    if (!(typeof ttlMs === 'number' && ttlMs >= 0 && ttlMs <= LONGEST_TTL_MS)) {
      throw invalid(`ttlMs must be a number of milliseconds from 0 to 100 years; got ${shown(ttlMs)}`);
    }
  }
}

function isText(value: unknown, longest: number): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= longest;
}

function invalid(problem: string): ConfigError {
  return new ConfigError(`record: ${problem}`, { code: 'RECORD_INVALID' });
}
