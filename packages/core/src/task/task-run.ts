import { setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import { LeaseLostError, ShutdownError, TaskCancelledError } from '../errors/errors.ts';
import type { Delivery } from '../broker/delivery.ts';
import type { Message } from '../message/message.ts';
import { progressJson } from './progress-json.ts';
import type { OpenProgress, RunProgress } from './run-progress.ts';
import type { OpenSteps, RunSteps, StepRun } from './run-steps.ts';
import type { TaskContext } from './task-context.ts';

/** Fields that every log line of a run carries. */
export interface RunBindings {
  readonly task: { readonly id: string; readonly name: string; readonly queue: string; readonly attempt: number };
  readonly traceId?: string;
  /** Number of messages, if they run as one batch. */
  readonly batch?: number;
  /** Fields that middleware added. */
  readonly [field: string]: unknown;
}

/** What a run opens at its first use. */
export interface RunOpeners {
  readonly openSteps: OpenSteps;
  /** @default an inline call reports nothing */
  readonly openProgress?: OpenProgress | undefined;
}

/** One run of a handler. Signal, logger, progress and steps, which few handlers use, are made at their first use. */
export class TaskRun implements TaskContext, StepRun {
  readonly fence: number;
  readonly maxRetries: number;
  readonly #message: Message;
  readonly #baseLogger: Logger;
  readonly #open: RunOpeners;
  readonly #delivery: Delivery | undefined;
  #steps: RunSteps | undefined;
  #progress: RunProgress | undefined;
  #logger: Logger | undefined;
  #controller: AbortController | undefined;
  #abortReason: Error | undefined;
  #hasEnded = false;
  #hasCalledStop = false;
  #bound: Readonly<Record<string, string>> | undefined;

  /** @param delivery the delivery that runs; left out for an inline call */
  constructor(message: Message, maxRetries: number, baseLogger: Logger, open: RunOpeners, delivery?: Delivery) {
    this.#message = message;
    this.maxRetries = maxRetries;
    this.fence = delivery?.fence ?? 0;
    this.#baseLogger = baseLogger;
    this.#open = open;
    this.#delivery = delivery;
  }

  get id(): string {
    return this.#message.id;
  }

  get name(): string {
    return this.#message.task;
  }

  get queue(): string {
    return this.#message.queue;
  }

  get attempt(): number {
    return this.#message.attempt;
  }

  get enqueuedAt(): Date {
    return new Date(this.#message.enqueuedAt);
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#message.headers;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      // A handler may pass it to any number of calls. Above ten listeners Node would print a leak warning.
      setMaxListeners(0, this.#controller.signal);
      if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }

  get logger(): Logger {
    this.#logger ??= this.#baseLogger.child(this.bindings());
    return this.#logger;
  }

  progress(value: unknown): void {
    const json = progressJson(this.name, value);
    // Another worker may run the message by now, or has ended it.
    if (this.#hasEnded || this.#abortReason instanceof LeaseLostError) return;
    this.#progress ??= this.#open.openProgress?.(this);
    this.#progress?.report(json);
  }

  /** The steps of the run. */
  get steps(): RunSteps {
    this.#steps ??= this.#open.openSteps(this, this.#delivery);
    return this.#steps;
  }

  /** Whether the run has begun a step whose result is stored. */
  get usesSteps(): boolean {
    return this.#steps?.isUsed ?? false;
  }

  /** The progress that the handler has reported, if it has. */
  get reported(): RunProgress | undefined {
    return this.#progress;
  }

  /** Why the run was aborted; `undefined` if it was not. */
  get abortReason(): Error | undefined {
    return this.#abortReason;
  }

  /**
   * Aborts the signal of the handler. The first reason stays, except that a cancellation replaces a shutdown: the message
   * of a cancelled task must not go back to its queue.
   * @returns whether `reason` is the reason now
   */
  abort(reason: Error): boolean {
    const before = this.#abortReason;
    if (before !== undefined && !(before instanceof ShutdownError && reason instanceof TaskCancelledError))
      return false;
    this.#abortReason = reason;
    if (reason instanceof LeaseLostError) this.#progress?.forget();
    this.#controller?.abort(reason);
    return true;
  }

  /** Whether the handler has ended, or the worker no longer waits for it. Code that it started may still run. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  end(): void {
    this.#hasEnded = true;
    this.#progress?.flush();
  }

  /** Whether the handler stops its own worker, and may await that. */
  get hasCalledStop(): boolean {
    return this.#hasCalledStop;
  }

  noteStopCall(): void {
    this.#hasCalledStop = true;
  }

  bindings(): RunBindings {
    const { id, task: name, queue, attempt, headers } = this.#message;
    const traceId = headers.traceId;
    return { ...this.#bound, task: { id, name, queue, attempt }, ...(traceId === undefined ? {} : { traceId }) };
  }

  /** Adds fields to the lines of the run from now on. */
  bind(fields: Readonly<Record<string, string>>): void {
    this.#bound = { ...this.#bound, ...fields };
    this.#logger = undefined;
  }
}
