import { readDeadLetter } from '@brokkr/core';
import {
  ATTEMPT_HEADER,
  ENQUEUED_AT_HEADER,
  type Envelope,
  errorGroup,
  HISTORY_HEADER,
  MAX_RETRIES_HEADER,
  REASON_HEADER,
  REDRIVEN_HEADER,
  TASK_HEADER,
} from '@brokkr/core/adapter';
import type { MessageRow, MessageState } from '../api/types.ts';
import { type Redactor, textOf } from './redactor.ts';

/** Characters of the arguments in a row. */
const ARGS = 200;
const LONGEST_NAME = 200;
const LONGEST_REASON = 1_000;

/** A message in a state, as a broker found it. */
export interface SeenMessage {
  readonly queue: string;
  readonly state: MessageState;
  readonly envelope: Envelope;
  readonly dueAt?: number | undefined;
  readonly workerId?: string | undefined;
}

/** How a user may see it. */
export interface View {
  readonly redactor: Redactor;
  readonly payloads: boolean;
}

/** The task of a message; empty if it has none. Any program may write headers. */
export function taskOf({ headers }: Envelope): string {
  return cut(headers[TASK_HEADER], LONGEST_NAME);
}

/** The reason of a dead letter; empty if it has none. */
export function reasonOf({ headers }: Envelope): string {
  return cut(headers[REASON_HEADER], LONGEST_REASON);
}

/** A whole number in a header; `undefined` if it is missing or another text. */
export function numberIn({ headers }: Envelope, name: string): number | undefined {
  const value: unknown = headers[name];
  return typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

/** A row of a list. It reads headers and the start of the body, and keeps nothing. */
export function messageRow({ queue, state, envelope, dueAt, workerId }: SeenMessage, view: View): MessageRow {
  const task = taskOf(envelope);
  const sentAt = numberIn(envelope, ENQUEUED_AT_HEADER);
  const maxRetries = numberIn(envelope, MAX_RETRIES_HEADER);
  const redriven = Number(/^(\d{1,9}) /.exec(String(envelope.headers[REDRIVEN_HEADER] ?? ''))?.[1] ?? 0);
  const args = argsOf(envelope, { task, queue }, view);
  return {
    id: envelope.id,
    queue,
    state,
    task,
    ...(sentAt !== undefined && { sentAt }),
    ...(dueAt !== undefined && { dueAt }),
    ...(state === 'delayed' && { isRetry: envelope.headers[HISTORY_HEADER] !== undefined }),
    attempt: numberIn(envelope, ATTEMPT_HEADER) ?? 1,
    ...(maxRetries !== undefined && { maxAttempts: maxRetries + 1 }),
    ...(workerId !== undefined && { worker: workerId }),
    ...(state === 'dead' && deathOf(envelope)),
    ...(redriven > 0 && { redriven }),
    ...(args !== undefined && { args }),
  };
}

function deathOf(
  envelope: Envelope,
): Pick<MessageRow, 'deadAt' | 'deadBy' | 'crashes' | 'reason' | 'group' | 'attempt'> {
  const { attempts, deadAt, deadBy, crashes } = readDeadLetter(envelope);
  const reason = reasonOf(envelope);
  const at = deadAt ?? attempts.at(-1)?.at;
  return {
    // No attempt of a message of an unknown task, or of one that crashed in each run, has ended.
    attempt: attempts.at(-1)?.attempt ?? (envelope.headers[HISTORY_HEADER] === undefined ? 0 : 1),
    ...(at !== undefined && { deadAt: at }),
    ...(deadBy !== undefined && { deadBy: deadBy.slice(0, LONGEST_NAME) }),
    ...(crashes !== undefined && { crashes }),
    reason,
    group: errorGroup(reason),
  };
}

function argsOf({ body }: Envelope, of: { task: string; queue: string }, view: View): string | undefined {
  const text = textOf(body);
  if (text === undefined) return undefined;
  const seen = view.redactor.seen(text, of, view.payloads, ARGS).text;
  return seen === undefined || seen.length <= ARGS ? seen : `${seen.slice(0, ARGS)}…`;
}

function cut(value: unknown, longest: number): string {
  return typeof value === 'string' ? value.slice(0, longest) : '';
}
