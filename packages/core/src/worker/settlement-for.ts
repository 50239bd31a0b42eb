import { type Death, deadLetterEnvelope } from '../broker/dead-letter.ts';
import type { Delivery } from '../broker/delivery.ts';
import type { Envelope } from '../broker/envelope.ts';
import { ATTEMPT_HEADER, HISTORY_HEADER, LATER_HEADER, LIMITED_BY_HEADER, UNKNOWN_HEADER } from '../broker/headers.ts';
import type { Settlement } from '../broker/settlement.ts';
import { toMs } from '../clock/duration.ts';
import { afterRun } from '../collapse/debounce-key.ts';
import { ConfigError, PermanentError, ValidationError } from '../errors/errors.ts';
import { isA } from '../errors/is-a.ts';
import { isClass } from '../errors/is-class.ts';
import { appendAttempt } from '../message/attempt-history.ts';
import { errorLine, errorRecord } from '../errors/error-record.ts';
import type { Message } from '../message/message.ts';
import type { RetryPolicy } from '../retry/retry-policy.ts';
import { RateLimitError } from '../task/rate-limit-error.ts';
import type { ErrorMatcher } from '../task/task.ts';
import type { OutcomeToSettle } from './outcome.ts';
import type { RunnableTask } from './runnable-task.ts';

/** A run that has ended. */
export interface Ended {
  readonly delivery: Delivery;
  readonly message: Message;
  readonly task: RunnableTask;
  /** How long it ran, in milliseconds. */
  readonly ranMs: number;
}

/** The worker that settles, and callbacks for faults of the application's policies. */
export interface SettlementContext {
  readonly workerId: string;
  readonly now: () => number;
  /** Is called if a retry policy threw, or returned an invalid wait. */
  readonly onPolicyError: (error: unknown, message: Message) => void;
  /** Is called if a predicate of `retryOn` or `giveUpOn` threw or returned a promise: it counts as no match. */
  readonly onMatcherError: (error: unknown, message: Message) => void;
}

/** Decides how a run that has ended is settled. Has no effects. */
export function settlementFor(outcome: OutcomeToSettle, ended: Ended, settling: SettlementContext): Settlement {
  const { delivery } = ended;
  switch (outcome.kind) {
    case 'succeeded':
      return { kind: 'ack', delivery };
    // A cancelled task is done too: it counts no attempt, and does not run again.
    case 'cancelled':
      return { kind: 'ack', delivery, wasCancelled: true };
    case 'interrupted':
      return { kind: 'release', delivery };
    case 'turned-away':
      return outcome.settlement;
    case 'later':
      return settlementForLater(outcome, ended, settling);
    case 'failed':
      return settlementForFailure(outcome.error, ended, settling);
  }
}

/** The same attempt again, unless the message reached `maxRetryLater`. */
function settlementForLater(
  { delayMs, error }: Extract<OutcomeToSettle, { readonly kind: 'later' }>,
  ended: Ended,
  settling: SettlementContext,
): Settlement {
  const { delivery, task, ranMs } = ended;
  const { envelope } = delivery;
  const { maxRetryLater } = task.definition;
  const now = settling.now();
  const waitsFor = isA(error, RateLimitError) ? { [LIMITED_BY_HEADER]: error.limit.name } : {};
  if (maxRetryLater === undefined)
    return { kind: 'retry', delivery, replacement: again(envelope, now + delayMs, waitsFor) };
  const before = laterIn(envelope.headers[LATER_HEADER]);
  const spentMs = before.spentMs + Math.max(1, Math.ceil(ranMs + delayMs));
  const isOver = 'times' in maxRetryLater ? before.times >= maxRetryLater.times : spentMs > maxRetryLater.ms;
  if (isOver) {
    const limit = 'times' in maxRetryLater ? `${maxRetryLater.times} times` : `${maxRetryLater.ms} ms`;
    const reason = `retry_later: maxRetryLater of ${limit} is reached: ${errorRecord(error).message}`;
    return deadLetter(ended, reason, historyWith(error, ended, settling, now), { at: now, by: settling.workerId });
  }
  const headers = { ...waitsFor, [LATER_HEADER]: `${before.times + 1} ${spentMs}` };
  return { kind: 'retry', delivery, replacement: again(envelope, now + delayMs, headers) };
}

/**
 * How often an attempt was delayed, and how long its runs and waits took together. They are added up, and no times are
 * compared: the clocks of two workers may differ. Any program may write the header: other texts count as none.
 */
function laterIn(header: string | undefined): { readonly times: number; readonly spentMs: number } {
  const [, times, spentMs] = /^(\d{1,9}) (\d{1,12})$/.exec(header ?? '') ?? [];
  return { times: Number(times ?? 0), spentMs: Number(spentMs ?? 0) };
}

function settlementForFailure(error: unknown, ended: Ended, settling: SettlementContext): Settlement {
  const { delivery, message } = ended;
  const { envelope } = delivery;
  const now = settling.now();
  const history = historyWith(error, ended, settling, now);
  const waitMs = waitBeforeRetry(error, ended, settling);
  if (waitMs === null) {
    return deadLetter(ended, errorLine(errorRecord(error)), history, { at: now, by: settling.workerId });
  }
  const headers = { [ATTEMPT_HEADER]: String(message.attempt + 1), [HISTORY_HEADER]: history };
  return { kind: 'retry', delivery, replacement: again(withoutLater(envelope), now + waitMs, headers) };
}

function historyWith(
  error: unknown,
  { delivery, message, ranMs }: Ended,
  { workerId }: SettlementContext,
  at: number,
): string {
  const { attempt } = message;
  const record = { attempt, at, ranMs: Math.max(0, Math.round(ranMs)), worker: workerId, error };
  return appendAttempt(delivery.envelope.headers[HISTORY_HEADER], record);
}

function deadLetter({ delivery }: Ended, reason: string, history: string, death: Death): Settlement {
  const { envelope } = delivery;
  const { [LIMITED_BY_HEADER]: _, ...kept } = envelope.headers;
  const headers = { ...kept, [HISTORY_HEADER]: history };
  const replacement = deadLetterEnvelope({ ...envelope, headers }, reason, { ...death, crashes: delivery.crashes });
  return { kind: 'dead-letter', delivery, reason, replacement };
}

/** `maxRetryLater` counts within one attempt. */
function withoutLater(envelope: Envelope): Envelope {
  const { [LATER_HEADER]: later, ...headers } = envelope.headers;
  return later === undefined ? envelope : { ...envelope, headers };
}

/**
 * The envelope for another run: same id and bytes. It keeps its idempotency key, which is freed if it is cancelled. A debounced
 * message keeps its key, so that it does not run after a later one.
 */
function again(envelope: Envelope, notBefore: number, headers: Readonly<Record<string, string>>): Envelope {
  const { [UNKNOWN_HEADER]: _, [LIMITED_BY_HEADER]: __, ...kept } = afterRun(envelope.headers);
  return {
    id: envelope.id,
    queue: envelope.queue,
    body: envelope.body,
    headers: { ...kept, ...headers },
    notBefore,
    expiresAt: envelope.expiresAt,
    idempotencyKey: envelope.idempotencyKey,
    idempotencyTtlMs: envelope.idempotencyTtlMs,
  };
}

/** Milliseconds until the next attempt; `null` if no attempt follows. */
function waitBeforeRetry(error: unknown, ended: Ended, settling: SettlementContext): number | null {
  const { message, task } = ended;
  if (message.attempt > (message.maxRetries ?? task.maxRetries)) return null;
  if (!isRetryable(error, ended, settling)) return null;
  const failure = { attempt: message.attempt, error, message };
  try {
    return ask(task.policy, failure);
  } catch (policyError) {
    settling.onPolicyError(policyError, message);
    return ask(task.fallbackPolicy, failure);
  }
}

function ask(policy: RetryPolicy, failure: Parameters<RetryPolicy['next']>[0]): number | null {
  const wait = policy.next(failure);
  if (isA(wait, Promise)) ignoreRejection(wait);
  return wait === null ? null : toMs(wait, 'the wait that the retry policy returned');
}

function isRetryable(error: unknown, { message, task }: Ended, { onMatcherError }: SettlementContext): boolean {
  if (isA(error, PermanentError) || isA(error, ValidationError)) return false;
  const { giveUpOn, retryOn } = task.definition;
  const matched = (matcher: ErrorMatcher) => matches(matcher, error, (problem) => onMatcherError(problem, message));
  return !giveUpOn.some(matched) && (retryOn === undefined || retryOn.some(matched));
}

/** Whether an error is an instance of a class, or a predicate returned a truthy value for it. */
function matches(matcher: ErrorMatcher, error: unknown, onProblem: (problem: unknown) => void): boolean {
  if (isClass(matcher)) return isA(error, matcher);
  try {
    const answer: unknown = (matcher as (error: unknown) => unknown)(error);
    if (!isA(answer, Promise)) return Boolean(answer);
    // A promise is truthy whatever it resolves to.
    ignoreRejection(answer);
    onProblem(
      new ConfigError('a predicate of retryOn or giveUpOn must return true or false, not a promise', {
        code: 'ERROR_MATCHER_INVALID',
      }),
    );
  } catch (problem) {
    onProblem(problem);
  }
  return false;
}

/** Nothing awaits a promise that was returned in place of a value: its rejection would end the process. */
function ignoreRejection(promise: Promise<unknown>): void {
  promise.catch(() => undefined);
}
