import type { Logger } from 'pino';
import type { Delivery } from '../broker/delivery.ts';
import { LoopMonitor } from '../event-loop/loop-monitor.ts';
import { BlockedRuns } from './blocked-runs.ts';
import { TASK_HEADER } from '../broker/headers.ts';
import type { SettledResult, Settlement } from '../broker/settlement.ts';
import type { RunningTask } from '../broker/worker-report.ts';
import { isSuspect } from '../broker/suspect.ts';
import type { Clock } from '../clock/clock.ts';
import { systemClock } from '../clock/system-clock.ts';
import { LeaseLostError } from '../errors/errors.ts';
import { failpoint } from '../failpoints/failpoint.ts';
import type { Ending } from '../result/result-record.ts';
import { Execution } from './execution.ts';
import { guardedSettlement, guardedVerdict } from './guarded-decisions.ts';
import { HeldDelivery } from './held-delivery.ts';
import { failureWithoutRun, type JudgeContext, type RunVerdict } from './judge-delivery.ts';
import type { Lane, LaneListener } from './lane.ts';
import type { Outcome, SettledOutcome } from './outcome.ts';
import { NO_REPORT, type Report, reportOf } from './delivery-report.ts';
import type { ProgressWriter } from './progress-writer.ts';
import type { Reporter } from './reporter.ts';
import type { ResultKeeper } from './result-keeper.ts';
import type { RunBindings } from '../task/task-run.ts';
import { Runner } from './runner.ts';
import type { SettlementContext } from './settlement-for.ts';
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
  /** Is called when settlements wait to be sent, or a slot may be free. */
  readonly onChange: () => void;
}

/** The way of one delivery, from the fetch to its settlement: judge, run, decide, settle, report. In this order below. */
export class DeliveryHandler implements LaneListener {
  readonly #options: DeliveryHandlerOptions;
  readonly #runner: Runner;
  readonly #monitor: LoopMonitor<Execution> | undefined;
  readonly #judging: JudgeContext;
  readonly #settling: SettlementContext;
  #isStopping = false;
  readonly #interrupted: RunBindings['task'][] = [];
  #finished: (() => void)[] = [];

  constructor(options: DeliveryHandlerOptions) {
    this.#options = options;
    const { clock, logger, workerId, judging, progress } = options;
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
      openProgress: (id) => progress.open(id),
      onEnd: (execution, outcome) => this.#ended(execution, outcome),
    });
    this.#settling = {
      workerId,
      now: judging.now,
      onPolicyError: (error, { task }) =>
        logger.error({ error, task }, 'the retry policy failed; using the default one'),
      onMatcherError: (error, { task }) =>
        logger.warn({ error, task }, 'a predicate of retryOn or giveUpOn failed; it counts as no match'),
    };
  }

  /** Number of handlers that run now. */
  get running(): number {
    return this.#runner.size;
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

  /** Runs that did not end in time at a stop, and were handed back. */
  get interrupted(): readonly RunBindings['task'][] {
    return this.#interrupted;
  }

  /**
   * Handles the fetched messages of one queue: runs those that may run now, settles those that must not run, and hands
   * the rest back.
   * @param mayStart whether any of them may run now
   * @param startBy time on the monotonic clock after which no handler is started
   */
  accept(lane: Lane, deliveries: readonly Delivery[], mayStart: boolean, startBy: number): void {
    const { logger } = this.#options;
    let back: HeldDelivery[] | undefined;
    for (const delivery of deliveries) {
      const verdict = guardedVerdict(delivery, this.#judging, logger);
      if (verdict.kind === 'run' && mayStart && this.#run(lane, delivery, verdict, startBy)) continue;
      const held = new HeldDelivery(lane, delivery);
      lane.leases.hold(held);
      if (verdict.kind === 'settle') {
        if (verdict.unknownTask !== undefined) this.#options.reporter.unknownTask(verdict.unknownTask, lane.queue);
        this.#endUnrun(held, verdict.settlement);
      } else if (back === undefined) back = [held];
      else back.push(held);
    }
    this.#runner.batchStarted();
    if (back === undefined) return;
    // The last one first, because each goes back to the head of the queue.
    for (const held of back.reverse()) this.#settle(held, { kind: 'release', delivery: held.delivery }, NO_REPORT);
  }

  /** Starts the handler. @returns false if the worker stops, is full, runs a suspect, or if it is too late to start */
  #run(lane: Lane, delivery: Delivery, { message, task }: RunVerdict, startBy: number): boolean {
    const { isolation, concurrency } = this.#options;
    if (this.#isStopping || isolation.isClosed || this.#runner.size >= concurrency) return false;
    if (isSuspect(delivery)) isolation.enter();
    if (this.#runner.start(lane, delivery, message, task, startBy)) return true;
    isolation.leave();
    return false;
  }

  #ended(execution: Execution, outcome: Outcome): void {
    failpoint('handler.after-before-settle');
    if (outcome.kind === 'interrupted') this.#interrupted.push(execution.run.bindings().task);
    this.#options.isolation.leave();
    // If the lease was lost while the handler ran, `leaseLost` was emitted then, and the broker would refuse a settlement.
    if (outcome.kind !== 'lost' && execution.isOurs) this.#endRun(execution, outcome);
    this.#changed();
  }

  /** Decides how a run is settled. */
  #endRun(execution: Execution, outcome: SettledOutcome): void {
    const endedAt = this.#options.clock.monotonic();
    this.#monitor?.check(execution, endedAt);
    const settlement = guardedSettlement(outcome, execution, this.#settling, this.#options.logger);
    const error = 'error' in outcome ? outcome.error : undefined;
    const ranMs = endedAt - execution.startedAt;
    if (outcome.kind === 'cancelled') {
      this.#end(execution, settlement, { event: 'cancelled', ranMs, error }, { error, state: 'cancelled' });
      return;
    }
    const report = reportOf(settlement, ranMs, error);
    this.#end(execution, settlement, report, 'value' in outcome ? outcome : { error, state: 'dead' });
  }

  /** Settles a message that must not run, or not now. */
  #endUnrun(held: HeldDelivery, settlement: Settlement): void {
    const error = failureWithoutRun(settlement);
    held.task = this.#options.judging.taskFor(nameOf(held));
    const state = settlement.kind === 'expire' ? 'expired' : 'dead';
    this.#end(held, settlement, reportOf(settlement, undefined, error), { error, state });
  }

  /**
   * Settles a delivery, together with the result if the broker can. If it cannot, the result is stored after the broker
   * has accepted the settlement: a worker that lost its lease must not store what another worker contradicts.
   */
  #end(held: HeldDelivery, settlement: Settlement, report: Report, ending: Ending): void {
    const { results } = this.#options;
    const { task } = held;
    if (task !== undefined && settlement.kind !== 'retry' && settlement.kind !== 'release') {
      const result = results.resultOf(task.definition, ending);
      if (result !== undefined && results.isPartOfSettlement) {
        this.#settle(held, { ...settlement, result }, report);
        return;
      }
      held.result = result;
    }
    this.#settle(held, settlement, report);
  }

  #storeResult(held: HeldDelivery, result: SettledResult, isSure: boolean): void {
    const message = { id: held.delivery.envelope.id, name: nameOf(held) };
    void this.#options.results.keep(message, result, isSure).then(this.#options.onChange);
  }

  /** Adds a settlement to the next call of its lane. */
  #settle(held: HeldDelivery, settlement: Settlement, report: Report): void {
    held.report = report;
    held.lane.settler.add(settlement, held);
  }

  /** Reports a delivery that the broker has settled, and stores its result. */
  settled(settlement: Settlement, isLost: boolean, held: HeldDelivery): void {
    held.lane.leases.drop(held);
    if (!isLost && held.result !== undefined) this.#storeResult(held, held.result, true);
    held.progress?.settled(!isLost && settlement.kind !== 'retry' && settlement.kind !== 'release');
    this.#options.reporter.settled(settlement, isLost, held);
    this.#options.onChange();
  }

  /**
   * Nobody can know whether a settlement took effect: it got no answer before its lease ended, or its first answer was
   * lost and the repeat says that the lease is over. No event is emitted. The result of a success is stored, unless there
   * is one: the task did succeed. A failure or a cancellation is not: the message may run again, and succeed.
   */
  settlementUnknown(settlement: Settlement, error: unknown, held: HeldDelivery): void {
    held.lane.leases.drop(held);
    if (held.report?.event === 'succeeded' && held.result !== undefined) this.#storeResult(held, held.result, false);
    this.#options.reporter.unknown(settlement, error, held);
    this.#options.onChange();
  }

  /** Ends a delivery whose lease is lost: aborts its handler, and reports it. Another worker may run the message by now. */
  leaseLost(held: HeldDelivery): void {
    // The settlement may have reached the broker before this renewal: then the message is not lost, but settled.
    // The answer to the settlement decides.
    if (held.isSettling) return;
    const { reporter, clock } = this.#options;
    const running = held instanceof Execution && held.isRunning ? held : undefined;
    reporter.leaseLost(held, running && clock.monotonic() - running.startedAt, undefined);
    const reason = `the lease of message ${held.delivery.envelope.id} was lost; another worker may run it now`;
    if (running !== undefined) this.#runner.abort(running, new LeaseLostError(reason));
    this.#options.onChange();
  }

  renewalFailed(queue: string, error: unknown): void {
    this.#options.logger.warn({ error, queue }, 'leases could not be renewed; trying again');
  }

  /** Starts no handler from now on. */
  startNoMore(): void {
    this.#isStopping = true;
  }

  /** Resolves once no handler runs. */
  async finished(): Promise<void> {
    if (this.running > 0) await new Promise<void>((resolve) => this.#finished.push(resolve));
  }

  /** Cancels the runs of a message. @returns whether a run is cancelled, by this call or an earlier one */
  cancel(queue: string, id: string): boolean {
    return this.#runner.cancel(queue, id);
  }

  /** Aborts the signal of every running handler. */
  abortAll(reason: Error): void {
    this.#runner.abortAll(reason);
  }

  /** Waits for no handler any longer: hands the running messages back. */
  giveUpAll(): void {
    this.#runner.giveUpAll();
  }

  close(): void {
    this.#monitor?.stop();
    this.#runner.close();
  }

  #changed(): void {
    this.#options.onChange();
    if (this.running === 0) for (const resolve of this.#finished.splice(0)) resolve();
  }
}

function nameOf({ delivery }: HeldDelivery): string {
  return delivery.envelope.headers[TASK_HEADER] ?? '';
}
