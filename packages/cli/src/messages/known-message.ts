import type { DeadLetterRecord, TaskStatus } from '@brokkr/core';
import { crashText } from '../dead/crash-text.ts';
import { moment } from '../terminal/spans.ts';
import type { LocatedMessage } from './locate-message.ts';

/** What is known of a message. */
export interface KnownMessage {
  readonly id: string;
  readonly status: TaskStatus;
  readonly message: Pick<LocatedMessage, 'found' | 'queues'>;
  /** Its record, if it is a dead letter. */
  readonly letter: DeadLetterRecord | undefined;
  readonly taskHeader: string;
}

/** A message for programs. */
export function recordOf({ id, status, message: { found, queues }, letter, taskHeader }: KnownMessage): object {
  return {
    id,
    ...status,
    ...(found !== undefined && { queue: queues[0], task: found.envelope.headers[taskHeader] ?? '' }),
    ...(found?.dueAt !== undefined && { dueAt: found.dueAt }),
    ...(found?.workerId !== undefined && { worker: found.workerId }),
    ...(letter?.crashes !== undefined && { crashes: letter.crashes }),
  };
}

/** A message for a person: its state, and what else to look at. */
export function linesOf({ id, status, message: { found, queues }, letter, taskHeader }: KnownMessage): string[] {
  const { state, attempt, progress } = status;
  const crashes = crashText(letter?.crashes);
  // A message that only crashed its workers is dead before its first attempt has ended.
  const hasAttempt = crashes === undefined || letter?.attempts.length !== 0;
  const parts = [state as string];
  if (found !== undefined) parts.push(`${found.envelope.headers[taskHeader] ?? '?'} in ${queues[0]}`);
  if (attempt !== undefined && hasAttempt) parts.push(`attempt ${attempt}`);
  if (crashes !== undefined) parts.push(crashes);
  if (found?.dueAt !== undefined) parts.push(`due ${moment(found.dueAt)}`);
  if (found?.workerId !== undefined) parts.push(`worker ${found.workerId}`);
  const lines = [parts.join('  ')];
  if (progress !== undefined) lines.push(`progress ${JSON.stringify(progress)}`);
  if (found?.state === 'dead') lines.push(`brokkr dead show ${queues[0]} ${id}`);
  return lines;
}
