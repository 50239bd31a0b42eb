import type { Logger } from 'pino';
import type { Delivery } from '../broker/delivery.ts';
import { LoopMonitor } from '../event-loop/loop-monitor.ts';
import { BlockedRuns } from './blocked-runs.ts';
import type { Settlement } from '../broker/settlement.ts';
import type { RunningTask } from '../broker/worker-report.ts';
import { isSuspect } from '../broker/suspect.ts';
import type { Clock } from '../clock/clock.ts';
import { systemClock } from '../clock/system-clock.ts';
import { LeaseLostError } from '../errors/errors.ts';
import type { JoinKeeper } from '../collapse/join-keeper.ts';
import type { StepKeeper } from '../steps/step-keeper.ts';
import { failpoint } from '../failpoints/failpoint.ts';
import { Batching } from './batching.ts';
import { Endings } from './endings.ts';
import { Execution } from './execution.ts';
import { GatheredDelivery } from './gathering.ts';
import { HeldDelivery } from './held-delivery.ts';
import { type JudgeContext, judgeDelivery, malformedLetter, type RunVerdict, type Verdict } from './judge-delivery.ts';
import type { ServedQueue, ServedQueueListener } from './served-queue.ts';
import type { Outcome } from './outcome.ts';
import { NO_REPORT } from './delivery-report.ts';
import type { LimitGate } from './limit-gate.ts';
import type { ProgressWriter } from './progress-writer.ts';
import type { Reporter } from './reporter.ts';
import type { ResultKeeper } from './result-keeper.ts';
import type { RunBindings } from '../task/task-run.ts';
import { cancelled, Runner } from './runner.ts';
import type { SuspectIsolation } from './suspect-isolation.ts';

export interface DeliveryHandlerOptions {
  readonly workerId: string;
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly judging: JudgeContext;
  readonly isolation: SuspectIsolation;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly results: ResultKeeper;
  readonly progress: ProgressWriter;
  /** Ends the permits of runs (`ended`), and stops the clock of a limit (`hold`). */
  readonly permits: () => Pick<LimitGate, 'ended' | 'hold'>;
  readonly steps: StepKeeper;
  readonly joins: JoinKeeper;
  /** Is called when settlements wait to be sent, or a slot may be free. */
  readonly onChange: () => void;
}

/** The way of one delivery, from the fetch to its settlement: judge and run here, then decide, settle and report in `Endings`. */
export class DeliveryHandler implements ServedQueueListener {
  readonly #options: DeliveryHandlerOptions;
  readonly #runner: Runner;
  readonly #monitor: LoopMonitor<Execution> | undefined;
  readonly #judging: JudgeContext;
  readonly #endings: Endings;
  /** Made with the first message of a batch task. */
  #batching: Batching | undefined;
  #isStopping = false;
  readonly #interrupted: RunBindings['task'][] = [];
  #finished: (() => void)[] = [];

  constructor(options: DeliveryHandlerOptions) {
    this.#options = options;
    const { clock, logger, judging, progress, steps } = options;
    const blocked = new BlockedRuns(logger);
    this.#judging = { ...judging, crashReasonOf: (id) => blocked.reasonOf(id) };
    if (clock === systemClock) {
      this.#monitor = new LoopMonitor<Execution>(options.leaseMs / 3, (blockedMs, culprit) =>
        blocked.note(blockedMs, culprit, this.#runner.running),
      );
      this.#monitor.start();
    }
    this.#runner = new Runner({
      clock,
      logger,
      monitor: this.#monitor,
      openers: {
        openProgress: (id) => progress.open(id),
        openSteps: (run, delivery) => steps.open(run, delivery),
      },
      joins: options.joins,
      onEnd: (execution, outcome) => this.#ended(execution, outcome),
    });
    this.#endings = new Endings({ ...options, taskFor: judging.taskFor, now: judging.now, monitor: this.#monitor });
  }

  /** Number of handlers that run now. */
  get running(): number {
    return this.#batching === undefined ? this.#runner.size : this.#batching.running;
  }

  /** Gathers the messages of batch tasks; `undefined` until the first one. */
  get batching(): Batching | undefined {
    return this.#batching;
  }

  /** Number of deliveries that run or gather: their settlements are not decided yet. */
  get inHand(): number {
    return this.#runner.size + (this.#batching?.waiting ?? 0);
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

  /**
   * Handles the fetched messages of one queue: runs those that may run now, settles those that must not run, and releases
   * the rest.
   * @param mayStart whether any of them may run now
   * @param startBy time on the monotonic clock after which no handler is started
   */
  accept(served: ServedQueue, deliveries: readonly Delivery[], mayStart: boolean, startBy: number): void {
    let unstarted: HeldDelivery[] | undefined;
    for (const delivery of deliveries) {
      const verdict = this.#judge(delivery);
      if (verdict.kind === 'run' && mayStart && this.#run(served, delivery, verdict, startBy)) continue;
      const held = new HeldDelivery(served, delivery);
      served.leases.hold(held);
      if (verdict.kind === 'settle') {
        if (verdict.unknown !== undefined) this.#options.reporter.unknownTask(verdict.unknown, served.queue);
        this.#endings.endWithoutRun(held, verdict.settlement);
      } else if (unstarted === undefined) unstarted = [held];
      else unstarted.push(held);
    }
    this.#runner.allStarted();
    if (mayStart) this.#batching?.room.learn(served, served.extra > 0, unstarted === undefined);
    if (unstarted === undefined) return;
    this.#release(unstarted);
  }

  /** An error in the judgement must neither end the fetch loop nor come back with each delivery of the message. */
  #judge(delivery: Delivery): Verdict {
    try {
      return judgeDelivery(delivery, this.#judging);
    } catch (error) {
      const { id, queue } = delivery.envelope;
      this.#options.logger.error(
        { error, task: { id, queue } },
        'a message could not be read; it becomes a dead letter',
      );
      return { kind: 'settle', settlement: malformedLetter(delivery, error) };
    }
  }

  #release(held: readonly HeldDelivery[]): void {
    // The last one first: a release goes to the head of the queue (see `Settlement`).
    for (const each of held.toReversed())
      this.#endings.settle(each, { kind: 'release', delivery: each.delivery }, NO_REPORT);
  }

  /** Releases the messages that gather. @param served only those of this queue */
  releaseGathered(served?: ServedQueue): void {
    if (this.#batching === undefined) return;
    this.#release(this.#batching.removeAll(served));
    this.#options.onChange();
  }

  /** Starts the handler. @returns false if the worker stops, is full, runs a suspect, or if it is too late to start */
  #run(served: ServedQueue, delivery: Delivery, { message, task }: RunVerdict, startBy: number): boolean {
    const { isolation, concurrency } = this.#options;
    if (this.#isStopping || isolation.isClosed) return false;
    const isOfBatch = task.definition.batch !== undefined;
    if (!isOfBatch && (this.#batching?.freeSlots ?? concurrency - this.#runner.size) <= 0) return false;
    if (isSuspect(delivery)) isolation.enter();
    const isStarted = isOfBatch
      ? this.#batches().accept(served, delivery, message, task, startBy)
      : this.#runner.start(served, delivery, message, task, startBy);
    if (isStarted) return true;
    isolation.leave();
    return false;
  }

  #batches(): Batching {
    const { concurrency, clock, logger, isolation, judging, onChange } = this.#options;
    this.#batching ??= new Batching({
      runner: this.#runner,
      concurrency,
      clock,
      logger,
      mayStart: () => !(this.#isStopping || isolation.isClosed),
      now: judging.now,
      onExpired: (held) => this.#endings.endWithoutRun(held, { kind: 'expire', delivery: held.delivery }),
      onChange,
    });
    return this.#batching;
  }

  #ended(execution: Execution, outcome: Outcome): void {
    failpoint('handler.after-before-settle');
    if (outcome.kind === 'interrupted') this.#interrupted.push(execution.run.bindings().task);
    this.#options.isolation.leave();
    // If the lease was lost while the handler ran, `leaseLost` was emitted then, and the broker would refuse a settlement.
    if (outcome.kind !== 'lost' && execution.isOurs) this.#endings.endRun(execution, outcome);
    else this.#options.permits().ended(execution.delivery, 0);
    this.#changed();
  }

  /** Settles a message that must not run, or not now. */
  endWithoutRun(held: HeldDelivery, settlement: Settlement): void {
    this.#endings.endWithoutRun(held, settlement);
  }

  /** Reports a delivery that the broker has settled, and stores its result. */
  settled(settlement: Settlement, isLost: boolean, held: HeldDelivery): void {
    this.#endings.settled(settlement, isLost, held);
  }

  settlementUnknown(settlement: Settlement, error: unknown, held: HeldDelivery): void {
    this.#endings.settlementUnknown(settlement, error, held);
  }

  /** Ends a delivery whose lease is lost: aborts its handler, and reports it. Another worker may run the message by now. */
  leaseLost(held: HeldDelivery): void {
    // The settlement may have reached the broker before this renewal: then the message is not lost, but settled.
    // The answer to the settlement decides.
    if (held.isSettling) return;
    const { reporter, clock } = this.#options;
    if (held instanceof GatheredDelivery) this.#batching?.remove((each) => each === held);
    const running = held instanceof Execution && held.isRunning ? held : undefined;
    reporter.leaseLost(held, running && clock.monotonic() - running.startedAt, undefined);
    const reason = `the lease of message ${held.delivery.envelope.id} was lost; another worker may run it now`;
    if (running !== undefined) this.#runner.abort(running, new LeaseLostError(reason));
    else this.#options.permits().ended(held.delivery, 0);
    this.#options.onChange();
  }

  renewalFailed(queue: string, error: unknown): void {
    this.#options.logger.warn({ error, queue }, 'leases could not be renewed; trying again');
  }

  /** Starts no handler from now on. */
  startNoMore(): void {
    this.#isStopping = true;
    this.releaseGathered();
  }

  /** Resolves once no handler runs. */
  async finished(): Promise<void> {
    if (this.running > 0) await new Promise<void>((resolve) => this.#finished.push(resolve));
  }

  /** Cancels the runs of a message. @returns whether a run is cancelled, by this call or an earlier one */
  cancel(queue: string, id: string): boolean {
    if (this.#runner.cancel(queue, id)) return true;
    const held = this.#batching?.remove(({ message }) => message.id === id && message.queue === queue);
    if (held === undefined) return false;
    const error = cancelled(held.message);
    const settlement: Settlement = { kind: 'ack', delivery: held.delivery };
    this.#endings.end(held, settlement, { event: 'cancelled', ranMs: undefined, error }, { error, state: 'cancelled' });
    this.#options.onChange();
    return true;
  }

  /** Aborts the signal of every running handler. */
  abortAll(reason: Error): void {
    this.#runner.abortAll(reason);
  }

  /** Waits for no handler any longer: releases the running messages. */
  giveUpAll(): void {
    this.#runner.giveUpAll();
  }

  close(): void {
    this.#monitor?.stop();
    this.#runner.close();
    this.#batching?.close();
  }

  #changed(): void {
    this.#batching?.startReady();
    this.#options.onChange();
    if (this.running === 0) for (const resolve of this.#finished.splice(0)) resolve();
  }
}
