import type { Exception } from '@opentelemetry/api';
import { errorRecord } from '@brokkr/core/adapter';

type ErrorRecord = ReturnType<typeof errorRecord>;

/** Longest `error.type`. */
const LONGEST_TYPE = 100;

/** The `error.type` of anything that was thrown: its `code`, else its `name`. Bounded and printable. */
export function errorType(thrown: unknown): string {
  return typeOf(errorRecord(thrown));
}

export function typeOf({ code, name }: ErrorRecord): string {
  return (code || name || 'Error').slice(0, LONGEST_TYPE).replaceAll(/[^\x20-\x7e]/g, '?');
}

/** An error for `recordException`: strings of bounded length, read without calling anything of a hostile object twice. */
export function exceptionOf(record: ErrorRecord): Exception {
  const { name, message, code, stack } = record;
  return { name, message, ...(code !== undefined && { code }), ...(stack !== undefined && { stack }) };
}
