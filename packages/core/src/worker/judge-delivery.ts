import { deadLetterEnvelope } from '../broker/dead-letter.ts';
import type { Delivery } from '../broker/delivery.ts';
import type { Envelope } from '../broker/envelope.ts';
import { LIMITED_BY_HEADER, PAYLOAD_VERSION_HEADER, TASK_HEADER, UNKNOWN_HEADER } from '../broker/headers.ts';
import type { Settlement } from '../broker/settlement.ts';
import { errorLine, errorRecord } from '../errors/error-record.ts';
import { TaskFailedError } from '../errors/errors.ts';
import { decodeEnvelope } from '../message/json-codec.ts';
import type { Message } from '../message/message.ts';
import { keptHeaders, readHeaders } from '../message/received-headers.ts';
import type { RunnableTask } from './runnable-task.ts';

/** What the judge needs to know of its worker and broker. */
export interface JudgeContext {
  readonly taskFor: (name: string) => RunnableTask | undefined;
  readonly now: () => number;
  /** Id of this worker, for the letters of messages that die here. */
  readonly workerId: string;
  readonly maxCrashes: number;
  readonly maxPayload: number;
  readonly maxDelayMs: number;
  /** Why a message crashed, if this process knows more than the broker (see `BlockedRuns`). */
  readonly crashReasonOf?: ((id: string) => string | undefined) | undefined;
}

/** The message is to be run. */
export interface RunVerdict {
  readonly kind: 'run';
  readonly message: Message;
  readonly task: RunnableTask;
}

/** Run the message, or settle it without a run. */
export type Verdict =
  | RunVerdict
  | {
      readonly kind: 'settle';
      readonly settlement: Settlement;
      /** Set if the message is delayed because this worker cannot run it, and another may. */
      readonly unknown?: UnknownTask;
    };

/** A task that a worker does not define, or whose arguments have a newer version than it knows. */
export interface UnknownTask {
  readonly task: string;
  readonly version?: number | undefined;
}

/** How long a message of an unknown task or version is delayed at a time, and in all. */
const UNKNOWN_DELAY_MS = 30_000;
const UNKNOWN_LIMIT_MS = 600_000;

/** Whether `judgeDelivery` would run a delivery, if it can be decoded: that is not checked here. */
export function mayRun({ envelope, crashes, remainingDelayMs }: Delivery, judging: JudgeContext): boolean {
  const { expiresAt, headers } = envelope;
  const task = judging.taskFor(headers[TASK_HEADER] ?? '');
  return (
    !(remainingDelayMs !== undefined && remainingDelayMs > 0) &&
    !(expiresAt !== undefined && expiresAt <= judging.now()) &&
    crashes < judging.maxCrashes &&
    task !== undefined &&
    !(Number(headers[PAYLOAD_VERSION_HEADER] ?? 1) > newestVersion(task))
  );
}

/** Decides whether a delivery is run. Has no effects. */
export function judgeDelivery(delivery: Delivery, judging: JudgeContext): Verdict {
  const { envelope, crashes, remainingDelayMs } = delivery;
  if (remainingDelayMs !== undefined && remainingDelayMs > 0)
    return retry(delivery, { ...envelope, notBefore: judging.now() + remainingDelayMs });
  if (envelope.expiresAt !== undefined && envelope.expiresAt <= judging.now())
    return settle({ kind: 'expire', delivery });
  if (crashes >= judging.maxCrashes) return deadLetter(delivery, crashReason(delivery, judging), judging);
  const message = decodeEnvelope(envelope, judging.maxPayload);
  if ('undecodable' in message) return deadLetter(delivery, message.undecodable, judging);
  const task = judging.taskFor(message.task);
  if (task === undefined) {
    const reason = `unknown_task: no worker of this queue defines ${message.task}`;
    return delayUnknownTask(delivery, { task: message.task }, reason, judging);
  }
  if (message.version !== undefined) {
    const known = newestVersion(task);
    if (message.version > known) return delayUnknownTask(delivery, message, versionUnknown(message, known), judging);
  }
  return { kind: 'run', message, task };
}

/** The newest version of its arguments that a task knows. */
function newestVersion({ definition }: RunnableTask): number {
  return definition.versions?.current ?? 1;
}

function crashReason({ envelope, crashes }: Delivery, { crashReasonOf }: JudgeContext): string {
  const known = crashReasonOf?.(envelope.id);
  return known === undefined
    ? `crashed: ${crashes} workers died or lost their lease while they held it`
    : `${known}: ${crashes} deliveries ended with a lost lease or a dead worker`;
}

/** The error of a message that ends without a run; `undefined` if it does not end. */
export function failureWithoutRun(settlement: Settlement): TaskFailedError | undefined {
  if (settlement.kind === 'dead-letter') return new TaskFailedError(settlement.reason);
  if (settlement.kind === 'expire') return new TaskFailedError('expired: it had not started in time (expiresIn)');
  return undefined;
}

function versionUnknown({ task, version }: Message, known: number): string {
  return `version_unknown: the arguments of ${task} have version ${version}, and no worker of this queue knows more than ${known}`;
}

/** Delays a message that this worker cannot run. */
function delayUnknownTask(
  delivery: Delivery,
  { task, version }: UnknownTask,
  reason: string,
  judging: JudgeContext,
): Verdict {
  const settlement = delayForDeploy(delivery, reason, judging);
  return { kind: 'settle', settlement, ...(settlement.kind === 'retry' && { unknown: { task, version } }) };
}

/**
 * Delays a message that names something unknown, because a deploy may be in progress; after ten minutes it is a dead
 * letter with `reason`.
 */
export function delayForDeploy(delivery: Delivery, reason: string, judging: JudgeContext): Settlement {
  const { envelope } = delivery;
  const { now, maxDelayMs } = judging;
  // Any program may write the header: one below zero would delay the message forever.
  const delayedMs = Math.max(0, Number(envelope.headers[UNKNOWN_HEADER] ?? 0) || 0);
  const waitMs = Math.min(UNKNOWN_DELAY_MS, UNKNOWN_LIMIT_MS - delayedMs, maxDelayMs);
  if (waitMs <= 0) return deadLetterFor(delivery, reason, judging);
  const { [LIMITED_BY_HEADER]: _, ...kept } = envelope.headers;
  const headers = { ...kept, [UNKNOWN_HEADER]: String(delayedMs + waitMs) };
  const replacement = { ...envelope, headers, notBefore: now() + waitMs };
  return { kind: 'retry', delivery, replacement };
}

function retry(delivery: Delivery, replacement: Envelope): Verdict {
  return settle({ kind: 'retry', delivery, replacement });
}

function deadLetter(delivery: Delivery, reason: string, judging: JudgeContext): Verdict {
  return settle(deadLetterFor(delivery, reason, judging));
}

/** The settlement that makes a dead letter of a delivery. If its headers are refused, the letter keeps only some. */
export function deadLetterFor(
  delivery: Delivery,
  reason: string,
  { now, workerId }: Pick<JudgeContext, 'now' | 'workerId'>,
): Settlement {
  const { envelope } = delivery;
  const isRefused = 'refused' in readHeaders(envelope.headers);
  const kept = isRefused ? { ...envelope, headers: keptHeaders(envelope.headers) } : envelope;
  const replacement = deadLetterEnvelope(kept, reason, {
    at: now(),
    by: workerId,
    crashes: delivery.crashes,
  });
  return { kind: 'dead-letter', delivery, reason, replacement };
}

function settle(settlement: Settlement): Verdict {
  return { kind: 'settle', settlement };
}

/** A dead letter without the headers of its message, because one of them may be at fault. */
export function malformedLetter(delivery: Delivery, error: unknown): Settlement {
  const { id, queue, body } = delivery.envelope;
  const reason = `malformed: ${errorLine(errorRecord(error))}`;
  const replacement = deadLetterEnvelope({ id, queue, body, headers: {} }, reason);
  return { kind: 'dead-letter', delivery, reason, replacement };
}
