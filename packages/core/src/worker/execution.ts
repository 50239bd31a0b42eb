import type { Delivery } from '../broker/delivery.ts';
import type { Settlement } from '../broker/settlement.ts';
import { isA } from '../errors/is-a.ts';
import { failpoint } from '../failpoints/failpoint.ts';
import {
  LeaseLostError,
  ShutdownError,
  TaskCancelledError,
  TaskFailedError,
  TaskTimeoutError,
} from '../errors/errors.ts';
import type { Message } from '../message/message.ts';
import { runAs } from '../task/current-task.ts';
import { RetryLater } from '../task/retry-later.ts';
import type { RunProgress } from '../task/run-progress.ts';
import type { TaskRun } from '../task/task-run.ts';
import type { HasDeadline } from './deadlines.ts';
import { HeldDelivery, type HoldingQueue } from './held-delivery.ts';
import type { Outcome } from './outcome.ts';
import type { RunnableTask } from './runnable-task.ts';

const SUCCEEDED: Outcome = { kind: 'succeeded', value: undefined };

/**
 * One run of one delivery. Reports exactly one outcome: when the handler ends, or when the wait for it ends. What the
 * handler does after that has no effect.
 */
export class Execution extends HeldDelivery implements HasDeadline {
  readonly message: Message;
  declare readonly task: RunnableTask;
  readonly run: TaskRun;
  readonly startedAt: number;
  /** How long it ran, in milliseconds; set when it has ended. */
  ranMs = 0;
  /** When its signal aborts; in the grace period, when the wait for it ends. */
  deadline = Number.POSITIVE_INFINITY;
  /** Whether its signal has aborted, and the wait for it ends at `deadline`. */
  inGrace = false;
  /** Its index in the runner's list. */
  place = -1;
  readonly #onEnd: (execution: Execution, outcome: Outcome) => void;
  #ended = false;

  constructor(
    served: HoldingQueue,
    delivery: Delivery,
    message: Message,
    task: RunnableTask,
    run: TaskRun,
    startedAt: number,
    onEnd: (execution: Execution, outcome: Outcome) => void,
  ) {
    super(served, delivery, task);
    this.message = message;
    this.run = run;
    this.startedAt = startedAt;
    this.#onEnd = onEnd;
  }

  get isRunning(): boolean {
    return !this.#ended;
  }

  /** Time limit in milliseconds. */
  get timeoutMs(): number {
    return this.message.timeoutMs ?? this.task.timeoutMs;
  }

  /** Calls the handler. Never throws. */
  start(): void {
    failpoint('claim.before-handler');
    let answer: unknown;
    try {
      answer = runAs(this.run, this.task.invoke, this.run, this.message);
      failpoint('handler.mid');
    } catch (error) {
      this.threw(error);
      return;
    }
    if (isPrimitive(answer)) {
      this.returned(answer);
      return;
    }
    // A handler may return any thenable, also one whose `then` throws: a native promise handles all of them.
    Promise.resolve(answer).then(
      (value) => this.returned(value),
      (error: unknown) => this.threw(error),
    );
  }

  /** Calls the handler unless `refusal` resolves with a settlement: then ends with it. Never throws. */
  async startUnless(refusal: Promise<Settlement | undefined>): Promise<void> {
    let settlement: Settlement | undefined;
    try {
      settlement = await refusal;
    } catch (error) {
      this.threw(error);
      return;
    }
    const { abortReason } = this.run;
    if (abortReason !== undefined) this.threw(abortReason);
    else if (settlement !== undefined) this.#end({ kind: 'turned-away', settlement });
    else if (!this.#ended) this.start();
  }

  /**
   * Aborts the handler's signal. Its listeners are called within the run: `currentTask()` and log lines know the run.
   * @returns whether `reason` is the reason of the abort now
   */
  abort(reason: Error): boolean {
    return runAs(this.run, () => this.run.abort(reason));
  }

  override get progress(): RunProgress | undefined {
    return this.run.reported;
  }

  override get usesSteps(): boolean {
    return this.run.usesSteps;
  }

  /** Stops waiting for a handler that ignores its signal. It settles nothing from now on. */
  giveUp(): void {
    const { abortReason, hasCalledStop, name } = this.run;
    const reason = hasCalledStop && abortReason instanceof ShutdownError ? waitedForItself(name) : abortReason;
    this.#end(reason === undefined ? { kind: 'interrupted' } : aborted(reason, reason));
  }

  /** Ends the run with the value that the handler returned. */
  protected returned(value: unknown): void {
    const reason = this.run.abortReason;
    // A result after the time limit or a cancellation is dropped. A result after the abort of a stop counts as a success.
    if (reason !== undefined && !(reason instanceof ShutdownError)) this.#end(aborted(reason, reason));
    else this.#end(this.task.definition.resultTtlMs === undefined ? SUCCEEDED : { kind: 'succeeded', value });
  }

  /** Ends the run with the error that the handler threw. */
  protected threw(error: unknown): void {
    const reason = this.run.abortReason;
    if (reason !== undefined) this.#end(aborted(reason, error));
    else if (isRetryLater(error)) this.#end({ kind: 'later', delayMs: error.delayMs, error });
    else this.#end({ kind: 'failed', error });
  }

  #end(outcome: Outcome): void {
    if (this.#ended) return;
    this.#ended = true;
    this.run.end();
    this.#onEnd(this, outcome);
  }
}

/** The error of a handler that awaited the stop of its own worker. */
function waitedForItself(task: string): TaskFailedError {
  return new TaskFailedError(
    `task ${task}: its handler awaited the stop of its own worker, which waited for the handler; stop the worker elsewhere, or send the process SIGTERM`,
    { code: 'STOP_AWAITED_IN_HANDLER' },
  );
}

/** The outcome of a run whose signal had aborted. */
function aborted(reason: Error, thrown: unknown): Outcome {
  if (reason instanceof LeaseLostError) return { kind: 'lost', error: reason };
  if (reason instanceof TaskCancelledError) return { kind: 'cancelled', error: reason };
  if (reason instanceof TaskTimeoutError || reason instanceof TaskFailedError) return { kind: 'failed', error: reason };
  return isRetryLater(thrown) ? { kind: 'later', delayMs: thrown.delayMs, error: thrown } : { kind: 'interrupted' };
}

/** A subclass may have changed the delay: without a valid number of milliseconds it is a failure like any other error. */
function isRetryLater(thrown: unknown): thrown is RetryLater {
  return isA(thrown, RetryLater) && Number.isFinite(thrown.delayMs) && thrown.delayMs >= 0;
}

/** Whether a handler returned a value that needs no wait. */
function isPrimitive(answer: unknown): boolean {
  return answer === null || (typeof answer !== 'object' && typeof answer !== 'function');
}
