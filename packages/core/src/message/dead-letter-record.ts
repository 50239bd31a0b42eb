import type { Envelope } from '../broker/envelope.ts';
import { HISTORY_HEADER, REASON_HEADER, TASK_HEADER } from '../broker/headers.ts';
import { type AttemptRecord, readHistory } from './attempt-history.ts';

/** What is told of a message among the dead letters. */
export interface DeadLetterRecord {
  readonly id: string;
  /** Task name; empty where it could not be decoded. */
  readonly task: string;
  readonly reason: string;
  /** The attempts that failed, oldest first. */
  readonly attempts: readonly AttemptRecord[];
}

/** Reads the headers of a dead letter; never throws, whatever they hold. */
export function readDeadLetter({ id, headers }: Envelope): DeadLetterRecord {
  return {
    id,
    task: headers[TASK_HEADER] ?? '',
    reason: headers[REASON_HEADER] ?? '',
    attempts: readHistory(headers[HISTORY_HEADER]),
  };
}
