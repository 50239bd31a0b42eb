import type { Logger } from 'pino';
import type { Delivery } from '../broker/delivery.ts';
import type { Clock } from '../clock/clock.ts';
import { TaskTimeoutError } from '../errors/errors.ts';
import type { LoopMonitor } from '../event-loop/loop-monitor.ts';
import type { Message } from '../message/message.ts';
import { TaskRun } from '../task/task-run.ts';
import { Deadlines } from './deadlines.ts';
import { Execution } from './execution.ts';
import type { HoldingLane } from './held-delivery.ts';
import type { Outcome } from './outcome.ts';
import type { RunnableTask } from './runnable-task.ts';

/** How long a handler may go on after its signal aborted, before its slot is freed. */
const GRACE_MS = 5_000;

export interface RunnerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Watches the event loop; left out in virtual time. */
  readonly monitor: LoopMonitor<Execution> | undefined;
  readonly onEnd: (execution: Execution, outcome: Outcome) => void;
}

/** Runs handlers, and ends them at their time limits. */
export class Runner {
  readonly #options: RunnerOptions;
  /** In no order: each execution knows its index (`place`). */
  readonly #running: Execution[] = [];
  readonly #deadlines: Deadlines<Execution>;
  readonly #onEnd = (execution: Execution, outcome: Outcome) => this.#ended(execution, outcome);

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock, this.#running, (execution) => this.#overdue(execution));
  }

  get running(): readonly Execution[] {
    return this.#running;
  }

  get size(): number {
    return this.#running.length;
  }

  /**
   * Holds the delivery and calls the handler, before it returns.
   * @param startBy time on the monotonic clock; if it has passed, nothing starts
   * @returns whether the handler was called
   */
  start(lane: HoldingLane, delivery: Delivery, message: Message, task: RunnableTask, startBy: number): boolean {
    const { clock, logger, monitor } = this.#options;
    const startedAt = clock.monotonic();
    if (startedAt > startBy) return false;
    const run = new TaskRun(message, message.maxRetries ?? task.maxRetries, delivery.fence, logger);
    const execution = new Execution(lane, delivery, message, task, run, startedAt, this.#onEnd);
    lane.leases.hold(execution);
    execution.place = this.#running.push(execution) - 1;
    this.#deadlines.set(execution, startedAt + execution.timeoutMs);
    if (monitor !== undefined) lane.subscription.guard?.(delivery, execution.dueAt);
    execution.start();
    if (execution.isRunning) monitor?.check(execution, clock.monotonic());
    return true;
  }

  /** Aborts the signal of a run, and frees its slot if the handler does not end within the grace period. */
  abort(execution: Execution, reason: Error): void {
    execution.abort(reason);
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
      `the handler did not end within ${GRACE_MS} ms of its signal's abort; its slot is free, and what it still does settles nothing`,
    );
    execution.giveUp();
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
