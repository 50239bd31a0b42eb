import type { Envelope } from '../broker/envelope.ts';
import { HISTORY_HEADER, REASON_HEADER, TASK_HEADER } from '../broker/headers.ts';
import { type AttemptRecord, readHistory } from './attempt-history.ts';

/** A dead letter, as its headers describe it. */
export interface DeadLetterRecord {
  readonly id: string;
  /** Task name; empty if the message has none. */
  readonly task: string;
  readonly reason: string;
  /** Failed attempts, oldest first. */
  readonly attempts: readonly AttemptRecord[];
}

/** Reads the headers of a dead letter. Never throws, for any headers. */
export function readDeadLetter({ id, headers }: Envelope): DeadLetterRecord {
  return {
    id,
    task: text(headers[TASK_HEADER]),
    reason: text(headers[REASON_HEADER]),
    attempts: readHistory(headers[HISTORY_HEADER]),
  };
}

/** Longest task name or reason that the core writes is 2,200 characters. Other programs may write longer ones. */
const LONGEST_TEXT = 4_096;

function text(header: unknown): string {
  return typeof header === 'string' ? header.slice(0, LONGEST_TEXT) : '';
}
