import { deadLetterEnvelope } from '../broker/dead-letter.ts';
import type { Delivery } from '../broker/delivery.ts';
import type { Envelope } from '../broker/envelope.ts';
import { PARKED_HEADER } from '../broker/headers.ts';
import type { Settlement } from '../broker/settlement.ts';
import { TaskFailedError } from '../errors/errors.ts';
import { decodeEnvelope } from '../message/json-codec.ts';
import type { Message } from '../message/message.ts';
import type { RunnableTask } from './runnable-task.ts';

/** What a delivery is judged by. */
export interface JudgeContext {
  readonly taskFor: (name: string) => RunnableTask | undefined;
  readonly now: () => number;
  /** Id of this worker, for the letters of messages that die here. */
  readonly workerId: string;
  readonly maxCrashes: number;
  readonly maxPayload: number;
  readonly maxDelayMs: number;
}

/** Run it. */
export interface RunVerdict {
  readonly kind: 'run';
  readonly message: Message;
  readonly task: RunnableTask;
}

/** Run it, or end it unrun. */
export type Verdict =
  | RunVerdict
  | {
      readonly kind: 'settle';
      readonly settlement: Settlement;
      /** The task that nobody knows here, where it is put off for that. */
      readonly unknownTask?: string;
    };

/** How long a message waits before somebody is asked again whether they know its task, and for how long in all. */
const PARK_MS = 30_000;
const PARK_LIMIT_MS = 600_000;

/** Judges a delivery before anything runs. It says what should happen, and does nothing. */
export function judgeDelivery(delivery: Delivery, judging: JudgeContext): Verdict {
  const { envelope, crashes, remainingDelayMs } = delivery;
  if (remainingDelayMs !== undefined && remainingDelayMs > 0)
    return retry(delivery, { ...envelope, notBefore: judging.now() + remainingDelayMs });
  if (envelope.expiresAt !== undefined && envelope.expiresAt <= judging.now())
    return settle({ kind: 'expire', delivery });
  if (crashes >= judging.maxCrashes)
    return deadLetter(delivery, `crashed: ${crashes} workers died or lost it while running it`, judging);
  const message = decodeEnvelope(envelope, judging.maxPayload);
  if ('undecodable' in message) return deadLetter(delivery, message.undecodable, judging);
  const task = judging.taskFor(message.task);
  if (task === undefined) return park(delivery, message, judging);
  return { kind: 'run', message, task };
}

/** What a message that ends unrun has failed with; `undefined` where it goes on. */
export function failureWithoutRun(settlement: Settlement): TaskFailedError | undefined {
  if (settlement.kind === 'dead-letter') return new TaskFailedError(settlement.reason);
  if (settlement.kind === 'expire') return new TaskFailedError('expired: its time was over before it started');
  return undefined;
}

/** Nobody knows the task here: a deploy may be under way, so it waits without a slot, then dies. */
function park(delivery: Delivery, message: Message, judging: JudgeContext): Verdict {
  const { envelope } = delivery;
  const { now, maxDelayMs } = judging;
  const parkedMs = Number(envelope.headers[PARKED_HEADER] ?? 0) || 0;
  const waitMs = Math.min(PARK_MS, PARK_LIMIT_MS - parkedMs, maxDelayMs);
  if (waitMs <= 0) return deadLetter(delivery, `unknown_task: no worker of this queue knows ${message.task}`, judging);
  const headers = { ...envelope.headers, [PARKED_HEADER]: String(parkedMs + waitMs) };
  const replacement = { ...envelope, headers, notBefore: now() + waitMs };
  return { kind: 'settle', settlement: { kind: 'retry', delivery, replacement }, unknownTask: message.task };
}

function retry(delivery: Delivery, replacement: Envelope): Verdict {
  return settle({ kind: 'retry', delivery, replacement });
}

function deadLetter(delivery: Delivery, reason: string, { now, workerId }: JudgeContext): Verdict {
  const replacement = deadLetterEnvelope(delivery.envelope, reason, { at: now(), by: workerId });
  return settle({ kind: 'dead-letter', delivery, reason, replacement });
}

function settle(settlement: Settlement): Verdict {
  return { kind: 'settle', settlement };
}
