import type { Logger } from 'pino';
import { STEPS_HEADER } from '../broker/headers.ts';
import type { SettledResult, Settlement } from '../broker/settlement.ts';
import type { Clock } from '../clock/clock.ts';
import type { JoinKeeper } from '../collapse/join-keeper.ts';
import type { LoopMonitor } from '../event-loop/loop-monitor.ts';
import { markSteps } from '../steps/mark-steps.ts';
import type { StepKeeper } from '../steps/step-keeper.ts';
import { isA } from '../errors/is-a.ts';
import { RateLimitError } from '../task/rate-limit-error.ts';
import type { Ending } from '../result/result-record.ts';
import { NO_REPORT, type EndReport, reportOf } from './delivery-report.ts';
import type { Execution } from './execution.ts';
import type { HeldDelivery } from './held-delivery.ts';
import { failureWithoutRun, type JudgeContext, malformedLetter } from './judge-delivery.ts';
import type { LimitGate } from './limit-gate.ts';
import type { OutcomeToSettle } from './outcome.ts';
import type { Reporter } from './reporter.ts';
import type { ResultKeeper } from './result-keeper.ts';
import { type SettlementContext, settlementFor } from './settlement-for.ts';

export interface EndingsOptions {
  readonly workerId: string;
  readonly taskFor: JudgeContext['taskFor'];
  readonly now: JudgeContext['now'];
  readonly monitor: LoopMonitor<Execution> | undefined;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly results: ResultKeeper;
  readonly steps: StepKeeper;
  readonly joins: JoinKeeper;
  /** Ends the permits of runs (`ended`), and stops the clock of a limit (`hold`). */
  readonly permits: () => Pick<LimitGate, 'ended' | 'hold'>;
  /** Is called when settlements wait to be sent, or a slot may be free. */
  readonly onChange: () => void;
}

/** The second half of the way of a delivery: decide, settle, report. */
export class Endings {
  readonly #options: EndingsOptions;
  readonly #settling: SettlementContext;

  constructor(options: EndingsOptions) {
    const { workerId, now, logger } = options;
    this.#options = options;
    this.#settling = {
      workerId,
      now,
      onPolicyError: (error, { task }) =>
        logger.error({ error, task }, 'the retry policy failed; using the default one'),
      onMatcherError: (error, { task }) =>
        logger.warn({ error, task }, 'a predicate of retryOn or giveUpOn failed; it counts as no match'),
    };
  }

  /** Decides how a run is settled. */
  endRun(execution: Execution, outcome: OutcomeToSettle): void {
    const endedAt = this.#options.clock.monotonic();
    this.#options.monitor?.check(execution, endedAt);
    const decided = this.#decide(outcome, execution);
    const settlement = execution.run.usesSteps ? markSteps(decided) : decided;
    const error = 'error' in outcome ? outcome.error : undefined;
    const ranMs = endedAt - execution.startedAt;
    if (outcome.kind === 'turned-away') {
      this.settle(execution, settlement, NO_REPORT);
      return;
    }
    if (outcome.kind === 'later' && isA(error, RateLimitError)) this.#options.permits().hold(error);
    if (outcome.kind === 'cancelled') {
      this.end(execution, settlement, { event: 'cancelled', ranMs, error }, { error, state: 'cancelled' });
      return;
    }
    const report = reportOf(decided, ranMs, error);
    this.end(execution, settlement, report, 'value' in outcome ? outcome : { error, state: 'dead' });
  }

  /** After an error in the decision the message must not stay held: its lease would be renewed forever. */
  #decide(outcome: OutcomeToSettle, execution: Execution): Settlement {
    try {
      return settlementFor(outcome, execution, this.#settling);
    } catch (error) {
      const { id, task: name, queue } = execution.message;
      const about = { error, task: { id, name, queue } };
      this.#options.logger.error(about, 'a run could not be settled; its message becomes a dead letter');
      return malformedLetter(execution.delivery, error);
    }
  }

  /** Settles a message that must not run, or not now. */
  endWithoutRun(held: HeldDelivery, settlement: Settlement): void {
    const error = failureWithoutRun(settlement);
    held.task = this.#options.taskFor(held.taskName);
    const state = settlement.kind === 'expire' ? 'expired' : 'dead';
    this.end(held, settlement, reportOf(settlement, undefined, error), { error, state });
  }

  /**
   * Adds a settlement with its result, if the broker stores results with settlements. If it does not, the result is stored after the broker
   * has accepted the settlement: a worker that lost its lease must not store what another worker contradicts.
   */
  end(held: HeldDelivery, settlement: Settlement, report: EndReport, ending: Ending): void {
    const { results } = this.#options;
    const { task } = held;
    if (task !== undefined && settlement.kind !== 'retry' && settlement.kind !== 'release') {
      const result = results.resultOf(task.definition, ending);
      if (result !== undefined && results.isPartOfSettlement) {
        this.settle(held, { ...settlement, result }, report);
        return;
      }
      held.result = result;
    }
    this.settle(held, settlement, report);
  }

  #storeResult(held: HeldDelivery, result: SettledResult, isSure: boolean): void {
    const message = { id: held.delivery.envelope.id, name: held.taskName };
    void this.#options.results.keep(message, result, isSure).then(this.#options.onChange);
  }

  /** Adds a settlement to the next call of its queue. */
  settle(held: HeldDelivery, settlement: Settlement, report: EndReport): void {
    held.report = report;
    const { joins, permits, onChange } = this.#options;
    // A limit counts runs: the next one need not wait for the broker's answer.
    permits().ended(held.delivery, report.ranMs ?? 0);
    if (!joins.endsOwner(settlement)) {
      held.servedQueue.settler.add(settlement, held);
      return;
    }
    // The key first: otherwise a worker that dies in between would leave a key without a message.
    void joins.free(settlement.delivery).then(() => {
      held.servedQueue.settler.add(settlement, held);
      onChange();
    });
  }

  /** Reports a delivery that the broker has settled, and stores its result. */
  settled(settlement: Settlement, isLost: boolean, held: HeldDelivery): void {
    held.servedQueue.leases.drop(held);
    if (!isLost && held.result !== undefined) this.#storeResult(held, held.result, true);
    held.progress?.settled(!isLost && settlement.kind !== 'retry' && settlement.kind !== 'release');
    if (!isLost && (held.usesSteps || STEPS_HEADER in held.delivery.envelope.headers))
      this.#options.steps.settled(settlement, held.taskName);
    this.#options.reporter.settled(settlement, isLost, held);
    this.#options.onChange();
  }

  /**
   * Nobody can know whether a settlement took effect: it got no answer before its lease ended, or its first answer was
   * lost and the repeat says that the lease is over. No event is emitted. The result of a success is stored, unless there
   * is one: the task did succeed. A failure or a cancellation is not: the message may run again, and succeed.
   */
  settlementUnknown(settlement: Settlement, error: unknown, held: HeldDelivery): void {
    held.servedQueue.leases.drop(held);
    if (held.report?.event === 'succeeded' && held.result !== undefined) this.#storeResult(held, held.result, false);
    this.#options.reporter.settlementUnknown(settlement, error, held);
    this.#options.onChange();
  }
}
