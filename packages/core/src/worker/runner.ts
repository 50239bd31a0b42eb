import type { Logger } from 'pino';
import type { Delivery } from '../broker/delivery.ts';
import type { Clock } from '../clock/clock.ts';
import { TaskTimeoutError } from '../errors/errors.ts';
import type { Message } from '../message/message.ts';
import { TaskRun } from '../task/task-run.ts';
import { Deadlines } from './deadlines.ts';
import { Execution } from './execution.ts';
import type { Outcome } from './outcome.ts';
import type { WorkerTask } from './worker-task.ts';

/** How long a handler that was told to end may take to, before its slot is taken back. */
const GRACE_MS = 5_000;

export interface RunnerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onEnd: (execution: Execution, outcome: Outcome) => void;
}

/** Runs handlers under their time limits. */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #running = new Map<Delivery, Execution>();
  readonly #limits = new Map<number, Deadlines<Execution>>();
  readonly #grace: Deadlines<Execution>;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#grace = new Deadlines(options.clock, GRACE_MS, (execution) => this.#giveUp(execution));
  }

  get size(): number {
    return this.#running.size;
  }

  /** Milliseconds that a delivery has been running; 0 where it is not. */
  durationOf(delivery: Delivery): number {
    const execution = this.#running.get(delivery);
    return execution === undefined ? 0 : this.#options.clock.monotonic() - execution.startedAt;
  }

  start(delivery: Delivery, message: Message, task: WorkerTask): void {
    const { clock, logger } = this.#options;
    const run = new TaskRun(message, message.maxRetries ?? task.maxRetries, delivery.fence, logger);
    const execution = new Execution(delivery, message, task, run, clock.monotonic(), (ended, outcome) =>
      this.#ended(ended, outcome),
    );
    this.#running.set(delivery, execution);
    this.#limit(execution).set(execution);
    execution.start();
  }

  /** Tells one run, if it is still on, to end, and gives it up if it does not. */
  abort(delivery: Delivery, reason: Error): void {
    const execution = this.#running.get(delivery);
    if (execution === undefined) return;
    execution.run.abort(reason);
    this.#grace.set(execution);
  }

  abortAll(reason: Error): void {
    for (const execution of this.#running.values()) execution.run.abort(reason);
  }

  /** Waits for no handler any longer. */
  giveUpAll(): void {
    for (const execution of [...this.#running.values()]) execution.giveUp();
  }

  close(): void {
    this.#grace.close();
    for (const deadlines of this.#limits.values()) deadlines.close();
  }

  #limit({ message, task }: Execution): Deadlines<Execution> {
    const timeoutMs = message.timeoutMs ?? task.timeoutMs;
    let deadlines = this.#limits.get(timeoutMs);
    if (deadlines === undefined) {
      deadlines = new Deadlines(this.#options.clock, timeoutMs, (execution) => this.#timedOut(execution, timeoutMs));
      this.#limits.set(timeoutMs, deadlines);
    }
    return deadlines;
  }

  #timedOut({ delivery, message }: Execution, timeoutMs: number): void {
    this.abort(
      delivery,
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
    this.#running.delete(execution.delivery);
    this.#limit(execution).clear(execution);
    this.#grace.clear(execution);
    this.#options.onEnd(execution, outcome);
  }
}
