import type { Envelope } from '../broker/envelope.ts';
import { DEAD_AT_HEADER, HISTORY_HEADER, REASON_HEADER, TASK_HEADER } from '../broker/headers.ts';
import { readHistory } from './attempt-history.ts';

/** Which dead letters to show or change. A letter must match every condition that is given. */
export interface LetterFilter {
  /** Name of the task, exactly. */
  readonly task?: string | undefined;
  /** Text that the reason contains, in upper or lower case. */
  readonly error?: string | undefined;
  /** Earliest time of death, epoch milliseconds. */
  readonly diedAfter?: number | undefined;
  /** Latest time of death, epoch milliseconds. A letter that does not say when it died does not match. */
  readonly diedBefore?: number | undefined;
}

/** Makes the function that `redrive`, `discard` and looks choose letters by. It never throws, whatever the headers hold. */
export function letterFilter({ task, error, diedAfter, diedBefore }: LetterFilter): (letter: Envelope) => boolean {
  const text = error?.toLowerCase();
  return ({ headers }) =>
    (task === undefined || headers[TASK_HEADER] === task) &&
    (text === undefined ||
      String(headers[REASON_HEADER] ?? '')
        .toLowerCase()
        .includes(text)) &&
    (diedAfter === undefined || (timeOfDeath(headers) ?? Number.NEGATIVE_INFINITY) >= diedAfter) &&
    (diedBefore === undefined || (timeOfDeath(headers) ?? Number.POSITIVE_INFINITY) <= diedBefore);
}

/** The header of the death; if it is missing, the end of the last attempt that is on record. */
function timeOfDeath(headers: Envelope['headers']): number | undefined {
  const deadAt: unknown = headers[DEAD_AT_HEADER];
  if (typeof deadAt === 'string' && /^\d{1,15}$/.test(deadAt)) return Number(deadAt);
  return readHistory(headers[HISTORY_HEADER]).at(-1)?.at;
}
