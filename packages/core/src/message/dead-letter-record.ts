import { readRedriven } from '../broker/dead-letter.ts';
import type { Envelope } from '../broker/envelope.ts';
import {
  DEAD_AT_HEADER,
  DEAD_BY_HEADER,
  DEAD_CRASHES_HEADER,
  HISTORY_HEADER,
  LAST_HISTORY_HEADER,
  LAST_REASON_HEADER,
  REASON_HEADER,
  REDRIVEN_HEADER,
  TASK_HEADER,
} from '../broker/headers.ts';
import { type AttemptRecord, readHistory } from './attempt-history.ts';

/** An earlier death of the message, after which it was redriven. */
export interface RedriveRecord {
  /** How often the message was redriven. */
  readonly count: number;
  /** Time of the last redrive, in epoch milliseconds. */
  readonly at: number;
  /** Reason of the death before that redrive. */
  readonly reason: string;
  /** Failed attempts before that redrive, oldest first, without stacks. */
  readonly attempts: readonly AttemptRecord[];
}

/** A dead letter, as its headers describe it. */
export interface DeadLetterRecord {
  readonly id: string;
  /** Task name; empty if it could not be decoded. */
  readonly task: string;
  readonly reason: string;
  /** Failed attempts, oldest first. */
  readonly attempts: readonly AttemptRecord[];
  /** When it died, in epoch milliseconds by the worker's clock; absent if its headers do not contain it. */
  readonly deadAt?: number;
  /** Id of the worker in which it died. */
  readonly deadBy?: string;
  /** How many crashes it was in; absent if it was in none. */
  readonly crashes?: number;
  /** Its last redrive; absent if it was never redriven. */
  readonly redriven?: RedriveRecord;
}

/**
 * Decodes the headers of a dead letter. Never throws: headers that Brokkr has not written count as absent.
 * @example
 * const letter = readDeadLetter(envelope);
 * console.log(letter.reason, letter.attempts.length);
 */
export function readDeadLetter({ id, headers }: Envelope): DeadLetterRecord {
  const deadAt = text(headers[DEAD_AT_HEADER]);
  const deadBy = text(headers[DEAD_BY_HEADER]);
  const crashes = text(headers[DEAD_CRASHES_HEADER]);
  const redriven = readRedriven(text(headers[REDRIVEN_HEADER]));
  return {
    id,
    task: text(headers[TASK_HEADER]),
    reason: text(headers[REASON_HEADER]),
    attempts: readHistory(headers[HISTORY_HEADER]),
    ...(/^\d{1,15}$/.test(deadAt) && { deadAt: Number(deadAt) }),
    ...(deadBy !== '' && { deadBy }),
    ...(/^\d{1,6}$/.test(crashes) && { crashes: Number(crashes) }),
    ...(redriven !== undefined && {
      redriven: {
        ...redriven,
        reason: text(headers[LAST_REASON_HEADER]),
        attempts: readHistory(headers[LAST_HISTORY_HEADER]),
      },
    }),
  };
}

/** Longest task name or reason that the core writes is 2,200 characters. Other programs may write longer ones. */
const LONGEST_TEXT = 4_096;

function text(header: unknown): string {
  return typeof header === 'string' ? header.slice(0, LONGEST_TEXT) : '';
}
