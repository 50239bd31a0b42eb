import type { Logger } from 'pino';
import { isSuspect } from '../broker/suspect.ts';
import type { Delivery } from '../broker/delivery.ts';
import type { RunningTask } from '../broker/worker-report.ts';
import type { Clock } from '../clock/clock.ts';
import { systemClock } from '../clock/system-clock.ts';
import type { JoinKeeper } from '../collapse/join-keeper.ts';
import { LoopMonitor } from '../event-loop/loop-monitor.ts';
import { failpoint } from '../failpoints/failpoint.ts';
import type { StepKeeper } from '../steps/step-keeper.ts';
import type { StepRun } from '../task/run-steps.ts';
import type { RunBindings } from '../task/task-run.ts';
import { Batching } from './batching.ts';
import { BlockedRuns } from './blocked-runs.ts';
import { Execution } from './execution.ts';
import { GatheredDelivery } from './gathering.ts';
import type { HeldDelivery } from './held-delivery.ts';
import type { RunVerdict } from './judge-delivery.ts';
import type { LimitGate } from './limit-gate.ts';
import type { Outcome } from './outcome.ts';
import type { ProgressWriter } from './progress-writer.ts';
import { Runner } from './runner.ts';
import type { ServedQueue } from './served-queue.ts';
import type { SuspectIsolation } from './suspect-isolation.ts';

export interface SlotsOptions {
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly leaseThread: boolean;
  readonly isolation: SuspectIsolation;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly progress: ProgressWriter;
  readonly steps: StepKeeper;
  readonly joins: JoinKeeper;
  readonly permits: () => Pick<LimitGate, 'guard' | 'mayStart'>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Is called when a handler has ended, or is not awaited any longer. @param endedAt on the monotonic clock */
  readonly onEnd: (execution: Execution, outcome: Outcome, endedAt: number) => void;
  /** Is called with a message that gathered and does not start: it has expired, or its permits may have lapsed. */
  readonly onLeft: (held: HeldDelivery, kind: 'expire' | 'release') => void;
  /** Is called when a slot may be free. */
  readonly onChange: () => void;
}

/** The slots of a worker: starts handlers in them, gathers the messages of batch tasks, and stops both. */
export class Slots {
  readonly #options: SlotsOptions;
  readonly #runner: Runner;
  readonly #blocked: BlockedRuns;
  readonly #monitor: LoopMonitor<Execution> | undefined;
  /** Made with the first message of a batch task. */
  #batching: Batching | undefined;
  #isStopping = false;
  readonly #interrupted: RunBindings['task'][] = [];
  #finished: (() => void)[] = [];

  constructor(options: SlotsOptions) {
    this.#options = options;
    const { clock, logger, joins, progress, steps, leaseThread, permits } = options;
    this.#blocked = new BlockedRuns(logger);
    if (clock === systemClock) {
      this.#monitor = new LoopMonitor<Execution>(options.leaseMs / 3, (blockedMs, culprit) =>
        this.#blocked.note(blockedMs, culprit, this.#runner.running),
      );
      this.#monitor.start();
    }
    this.#runner = new Runner({
      clock,
      logger,
      monitor: this.#monitor,
      openers: {
        openProgress: (run) => progress.open(run.id, () => this.#confirmLease(run)),
        openSteps: (run, delivery) => steps.open(run, delivery, () => this.#confirmLease(run)),
      },
      joins,
      guardPermits: leaseThread ? (delivery, until) => permits().guard(delivery, until) : undefined,
      onEnd: (execution, outcome) => this.#ended(execution, outcome),
    });
  }

  /** Asks the broker for the lease of a run, if it is in doubt. @returns false if it is lost; then the run is aborted */
  async #confirmLease(run: StepRun): Promise<boolean> {
    const execution = this.#runner.running.find((each) => each.run === run);
    if (execution === undefined) return true;
    await execution.servedQueue.leases.confirm(execution);
    return execution.isOurs;
  }

  /** Number of handlers that run now. */
  get running(): number {
    return this.#batching === undefined ? this.#runner.size : this.#batching.running;
  }

  /** Gathers the messages of batch tasks; `undefined` until the first one. */
  get batching(): Batching | undefined {
    return this.#batching;
  }

  /** Number of messages that gather. */
  get gathering(): number {
    return this.#batching?.waiting ?? 0;
  }

  /** Number of deliveries that run or gather: their settlements are not decided yet. */
  get inHand(): number {
    return this.#runner.size + this.gathering;
  }

  /** The tasks that run now. @param most how many of them */
  runningTasks(most: number): readonly RunningTask[] {
    const { clock } = this.#options;
    const monotonicToEpoch = clock.now() - clock.monotonic();
    return this.#runner.running.slice(0, most).map(({ message: { id, task, queue, attempt }, startedAt }) => ({
      id,
      task,
      queue,
      attempt,
      startedAt: Math.round(startedAt + monotonicToEpoch),
    }));
  }

  /** Runs that did not end in time at a stop, and were released. */
  get interrupted(): readonly RunBindings['task'][] {
    return this.#interrupted;
  }

  /** Why a message crashed, if a handler of this process blocked the event loop while it was held. */
  crashReasonOf(id: string): string | undefined {
    return this.#blocked.reasonOf(id);
  }

  /**
   * Starts the handler, or lets the message of a batch task gather.
   * @param startBy time on the monotonic clock after which no handler is started
   * @returns false if the worker stops, is full, runs a suspect, or if it is too late to start
   */
  start(served: ServedQueue, delivery: Delivery, { message, task }: RunVerdict, startBy: number): boolean {
    const { isolation, concurrency } = this.#options;
    if (this.#isStopping || isolation.isClosed) return false;
    const isOfBatch = task.definition.batch !== undefined;
    if (!isOfBatch && (this.#batching?.freeSlots ?? concurrency - this.#runner.size) <= 0) return false;
    if (isSuspect(delivery)) isolation.enter(delivery);
    const isStarted = isOfBatch
      ? this.#batches().accept(served, delivery, message, task, startBy)
      : this.#runner.start(served, delivery, message, task, startBy);
    if (isStarted) return true;
    isolation.leave(this.running);
    return false;
  }

  #batches(): Batching {
    const { concurrency, clock, logger, isolation, permits, now, onLeft, onChange } = this.#options;
    this.#batching ??= new Batching({
      runner: this.#runner,
      concurrency,
      clock,
      logger,
      mayStart: () => !(this.#isStopping || isolation.isClosed),
      hasPermits: (delivery) => permits().mayStart(delivery),
      now,
      onLeft,
      onChange,
    });
    return this.#batching;
  }

  /** Is called after the messages of one fetch: a later block of the event loop was not caused by their starts. */
  allStarted(): void {
    this.#runner.allStarted();
  }

  #ended(execution: Execution, outcome: Outcome): void {
    failpoint('handler.after-before-settle');
    const endedAt = this.#options.clock.monotonic();
    this.#monitor?.check(execution, endedAt);
    if (outcome.kind === 'interrupted') this.#interrupted.push(execution.run.bindings().task);
    this.#options.isolation.leave(this.running);
    this.#options.onEnd(execution, outcome, endedAt);
    this.#batching?.startReady();
    this.#options.onChange();
    if (this.running === 0) for (const resolve of this.#finished.splice(0)) resolve();
  }

  /** Takes the messages that gather out of their batches. @param served only those of this queue */
  takeGathered(served?: ServedQueue): readonly HeldDelivery[] {
    return this.#batching?.removeAll(served) ?? [];
  }

  /** Takes one message that gathers out of its batch. */
  takeGatheredById(queue: string, id: string): GatheredDelivery | undefined {
    return this.#batching?.remove(({ message }) => message.id === id && message.queue === queue);
  }

  /** Ends the use of a delivery whose lease is lost. @returns its run, if it runs: then it goes on until it is aborted */
  lost(held: HeldDelivery): Execution | undefined {
    if (held instanceof GatheredDelivery) this.#batching?.remove((each) => each === held);
    return held instanceof Execution && held.isRunning ? held : undefined;
  }

  /** Aborts one run, and stops waiting for a handler that ignores its signal. */
  abort(execution: Execution, reason: Error): void {
    this.#runner.abort(execution, reason);
  }

  /** Aborts the signal of every running handler. */
  abortAll(reason: Error): void {
    this.#runner.abortAll(reason);
  }

  /** Cancels the runs of a message. @returns whether a run is cancelled, by this call or an earlier one */
  cancel(queue: string, id: string): boolean {
    return this.#runner.cancel(queue, id);
  }

  /** Waits for no handler any longer: the running messages are released. */
  giveUpAll(): void {
    this.#runner.giveUpAll();
  }

  /** Starts no handler from now on. */
  startNoMore(): void {
    this.#isStopping = true;
  }

  /** Resolves once no handler runs. */
  async finished(): Promise<void> {
    if (this.running > 0) await new Promise<void>((resolve) => this.#finished.push(resolve));
  }

  close(): void {
    this.#monitor?.stop();
    this.#runner.close();
    this.#batching?.close();
  }
}
