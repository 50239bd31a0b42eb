import type { Logger } from 'pino';
import { readRedriven } from '../broker/dead-letter.ts';
import type { Delivery } from '../broker/delivery.ts';
import { REDRIVEN_HEADER } from '../broker/headers.ts';
import type { JoinKeeper } from '../collapse/join-keeper.ts';
import { needsAdmission } from '../collapse/join-record.ts';
import type { Clock } from '../clock/clock.ts';
import { TaskCancelledError, TaskTimeoutError } from '../errors/errors.ts';
import type { BatchCall } from '../batches/batch-call.ts';
import { MemberRun } from '../batches/member-run.ts';
import type { LoopMonitor } from '../event-loop/loop-monitor.ts';
import type { Message } from '../message/message.ts';
import { type RunOpeners, TaskRun } from '../task/task-run.ts';
import { Deadlines } from './deadlines.ts';
import { Execution } from './execution.ts';
import { MemberExecution } from './member-execution.ts';
import type { HoldingQueue } from './held-delivery.ts';
import type { Outcome } from './outcome.ts';
import type { RunnableTask } from './runnable-task.ts';

/** How long a handler may go on after its signal aborted, before its slot is freed. */
const GRACE_MS = 5_000;

export interface RunnerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly openers: RunOpeners;
  readonly joins: JoinKeeper;
  /** Watches the event loop; left out in virtual time. */
  readonly monitor: LoopMonitor<Execution> | undefined;
  /** Keeps the permits of a run up to its deadline while the event loop is blocked; left out if no thread may do that. */
  readonly guardPermits: ((delivery: Delivery, until: number) => void) | undefined;
  readonly onEnd: (execution: Execution, outcome: Outcome) => void;
}

/** The epoch time of an instant is computed from its monotonic time for so long, before the clock is read again. */
const EPOCH_FOR_MS = 1_000;

/** Runs handlers, and ends them at their time limits. */
export class Runner {
  readonly #options: RunnerOptions;
  /** In no order: each execution knows its index (`place`). */
  readonly #running: Execution[] = [];
  readonly #deadlines: Deadlines<Execution>;
  /** The execution that was started last, within one fetch. When the next one starts, its synchronous part is over. */
  #lastStarted: Execution | undefined;
  /** Epoch time minus monotonic time, and when it was computed. */
  #epochOffset = 0;
  #epochSince = Number.NEGATIVE_INFINITY;
  readonly #onEnd = (execution: Execution, outcome: Outcome) => this.#ended(execution, outcome);

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock, this.#running, (execution) => this.#overdue(execution));
  }

  get size(): number {
    return this.#running.length;
  }

  /** Runs whose handlers have not ended. */
  get running(): readonly Execution[] {
    return this.#running;
  }

  /**
   * Holds the delivery and calls the handler, before it returns.
   * @param startBy time on the monotonic clock; if it has passed, nothing starts
   * @param call the call that the message joins, if its task is a batch task
   * @returns whether the handler was called
   */
  start(
    served: HoldingQueue,
    delivery: Delivery,
    message: Message,
    task: RunnableTask,
    startBy: number,
    call?: BatchCall,
  ): boolean {
    const { clock, logger, monitor, openers, guardPermits } = this.#options;
    const startedAt = clock.monotonic();
    this.#checkLastStarted(startedAt);
    if (startedAt > startBy) return false;
    const maxRetries = message.maxRetries ?? task.maxRetries;
    const execution =
      call === undefined
        ? new Execution(
            served,
            delivery,
            message,
            task,
            new TaskRun(message, maxRetries, logger, openers, delivery),
            startedAt,
            this.#onEnd,
          )
        : new MemberExecution(
            served,
            delivery,
            message,
            task,
            new MemberRun(call, message, maxRetries, logger, openers, delivery),
            startedAt,
            this.#onEnd,
          );
    execution.waitedMs = Math.max(0, Math.round(this.#epochOf(startedAt) - couldStartAt(delivery, message)));
    served.leases.hold(execution);
    execution.place = this.#running.push(execution) - 1;
    this.#deadlines.set(execution, startedAt + execution.timeoutMs);
    if (monitor !== undefined) {
      served.subscription.guard?.(delivery, execution.deadline);
      guardPermits?.(delivery, execution.deadline);
    }
    if (needsAdmission(delivery.envelope))
      void execution.startUnless(this.#options.joins.refusalOf(delivery, execution.run.signal));
    else execution.start();
    if (execution.isRunning) this.#lastStarted = execution;
    return true;
  }

  /** Is called after the messages of one fetch: a later block of the event loop was not caused by their starts. */
  allStarted(): void {
    if (this.#lastStarted === undefined) return;
    if (this.#options.monitor !== undefined) this.#checkLastStarted(this.#options.clock.monotonic());
    this.#lastStarted = undefined;
  }

  /** Notes whether the handler that was started last has blocked the event loop before its first `await`. */
  #checkLastStarted(now: number): void {
    if (this.#lastStarted !== undefined) this.#options.monitor?.check(this.#lastStarted, now);
  }

  /**
   * Cancels the runs of a message: aborts them, and stops waiting for a handler that ignores its signal.
   * @returns whether a run is cancelled, by this call or an earlier one
   */
  cancel(queue: string, id: string): boolean {
    let isCancelled = false;
    for (const execution of [...this.#running]) {
      const { message, run } = execution;
      if (message.id !== id || message.queue !== queue || !execution.isOurs) continue;
      if (!(run.abortReason instanceof TaskCancelledError)) this.abort(execution, cancelled(message));
      isCancelled ||= run.abortReason instanceof TaskCancelledError;
    }
    return isCancelled;
  }

  /** Aborts one run, and stops waiting for a handler that ignores its signal. */
  abort(execution: Execution, reason: Error): void {
    // A second reason, such as a lost lease after a timeout, gives no more time.
    if (!execution.abort(reason) && execution.inGrace) return;
    execution.inGrace = true;
    this.#deadlines.set(execution, this.#options.clock.monotonic() + GRACE_MS);
  }

  abortAll(reason: Error): void {
    for (const execution of this.#running) execution.abort(reason);
  }

  /** Ends all runs: what their handlers still do settles nothing. */
  giveUpAll(): void {
    for (const execution of [...this.#running]) execution.giveUp();
  }

  close(): void {
    this.#deadlines.close();
  }

  #overdue(execution: Execution): void {
    if (execution.inGrace) {
      this.#giveUp(execution);
      return;
    }
    const { message, timeoutMs } = execution;
    this.abort(
      execution,
      new TaskTimeoutError(`task ${message.task} ran for longer than its timeout of ${timeoutMs} ms`, { timeoutMs }),
    );
  }

  #giveUp(execution: Execution): void {
    const { id, name, queue, attempt } = execution.run;
    this.#options.logger.warn(
      { task: { id, name, queue, attempt } },
      `the handler did not end within ${GRACE_MS} ms of its signal's abort; its slot is free, and its outcome has no effect`,
    );
    execution.giveUp();
  }

  #epochOf(monotonic: number): number {
    if (monotonic - this.#epochSince > EPOCH_FOR_MS) {
      this.#epochSince = monotonic;
      this.#epochOffset = this.#options.clock.now() - monotonic;
    }
    return monotonic + this.#epochOffset;
  }

  #ended(execution: Execution, outcome: Outcome): void {
    const last = this.#running.pop() as Execution;
    if (last !== execution) {
      this.#running[execution.place] = last;
      last.place = execution.place;
    }
    this.#options.onEnd(execution, outcome);
  }
}

/** When a message could start: it was sent, its delay was over, or it was redriven. Epoch milliseconds. */
function couldStartAt({ envelope, dueAt }: Delivery, message: Message): number {
  const redriven = envelope.headers[REDRIVEN_HEADER];
  return Math.max(
    message.enqueuedAt,
    dueAt ?? message.notBefore ?? 0,
    redriven === undefined ? 0 : (readRedriven(redriven)?.at ?? 0),
  );
}

/** The error of a message that was cancelled while a worker held it. */
export function cancelled({ task, id }: Message): TaskCancelledError {
  return new TaskCancelledError(`task ${task}, message ${id}, was cancelled while it ran`);
}
