import type { Logger } from 'pino';
import type { Delivery } from '../broker/delivery.ts';
import { STEPS_HEADER } from '../broker/headers.ts';
import type { SettledResult, Settlement } from '../broker/settlement.ts';
import type { Clock } from '../clock/clock.ts';
import type { JoinKeeper } from '../collapse/join-keeper.ts';
import { LeaseLostError } from '../errors/errors.ts';
import { isA } from '../errors/is-a.ts';
import type { Ending } from '../result/result-record.ts';
import { markSteps } from '../steps/mark-steps.ts';
import type { StepKeeper } from '../steps/step-keeper.ts';
import { RateLimitError } from '../task/rate-limit-error.ts';
import { type EndReport, NO_REPORT, reportOf } from './delivery-report.ts';
import type { Execution } from './execution.ts';
import { HeldDelivery } from './held-delivery.ts';
import {
  failureWithoutRun,
  type JudgeContext,
  judgeDelivery,
  malformedLetter,
  type Verdict,
} from './judge-delivery.ts';
import type { LimitGate } from './limit-gate.ts';
import type { Outcome, OutcomeToSettle } from './outcome.ts';
import type { Reporter } from './reporter.ts';
import type { ResultKeeper } from './result-keeper.ts';
import { cancelled } from './runner.ts';
import type { ServedQueue, ServedQueueListener } from './served-queue.ts';
import { type SettlementContext, settlementFor } from './settlement-for.ts';
import type { Slots } from './slots.ts';

export interface DeliveryHandlerOptions {
  readonly workerId: string;
  readonly judging: JudgeContext;
  readonly slots: Slots;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly results: ResultKeeper;
  /** Ends the permits of runs (`ended`), or lets them lapse (`guard`), and stops the clock of a limit (`hold`). */
  readonly permits: () => Pick<LimitGate, 'ended' | 'guard' | 'hold'>;
  readonly steps: StepKeeper;
  readonly joins: JoinKeeper;
  /** Is called when settlements wait to be sent, or a slot may be free. */
  readonly onChange: () => void;
}

/**
 * The way of one delivery through the worker, from top to bottom: it is judged and started, its run ends, its settlement is
 * decided and added to the `Settler` of its queue, and the broker's answer is reported.
 */
export class DeliveryHandler implements ServedQueueListener {
  readonly #options: DeliveryHandlerOptions;
  readonly #judging: JudgeContext;
  readonly #settling: SettlementContext;

  constructor(options: DeliveryHandlerOptions) {
    const { workerId, judging, slots, logger } = options;
    this.#options = options;
    this.#judging = { ...judging, crashReasonOf: (id) => slots.crashReasonOf(id) };
    this.#settling = {
      workerId,
      now: judging.now,
      onPolicyError: (error, { task }) =>
        logger.error({ error, task }, 'the retry policy failed; using the default one'),
      onMatcherError: (error, { task }) =>
        logger.warn({ error, task }, 'a predicate of retryOn or giveUpOn failed; it counts as no match'),
    };
  }

  /**
   * Handles the fetched messages of one queue: runs those that may run now, settles those that must not run, and releases
   * the rest.
   * @param mayStart whether any of them may run now
   * @param startBy time on the monotonic clock after which no handler is started
   */
  accept(served: ServedQueue, deliveries: readonly Delivery[], mayStart: boolean, startBy: number): void {
    const { slots, reporter } = this.#options;
    let unstarted: HeldDelivery[] | undefined;
    for (const delivery of deliveries) {
      const verdict = this.#judge(delivery);
      if (verdict.kind === 'run' && mayStart && slots.start(served, delivery, verdict, startBy)) continue;
      const held = new HeldDelivery(served, delivery);
      served.leases.hold(held);
      if (verdict.kind === 'settle') {
        if (verdict.unknown !== undefined) reporter.unknownTask(verdict.unknown, served.queue);
        this.endWithoutRun(held, verdict.settlement);
      } else if (unstarted === undefined) unstarted = [held];
      else unstarted.push(held);
    }
    slots.allStarted();
    if (mayStart) slots.batching?.room.learn(served, served.extra > 0, unstarted === undefined);
    if (unstarted !== undefined) this.#release(unstarted);
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

  /** Settles a message that must not run, or not now. */
  endWithoutRun(held: HeldDelivery, settlement: Settlement): void {
    const error = failureWithoutRun(settlement);
    held.task = this.#judging.taskFor(held.taskName);
    const state = settlement.kind === 'expire' ? 'expired' : 'dead';
    this.#end(held, settlement, reportOf(settlement, undefined, error), { error, state });
  }

  #release(held: readonly HeldDelivery[]): void {
    // The last one first: a release goes to the head of the queue (see `Settlement`).
    for (const each of held.toReversed()) this.#settle(each, { kind: 'release', delivery: each.delivery }, NO_REPORT);
  }

  /** Releases the messages that gather. @param served only those of this queue */
  releaseGathered(served?: ServedQueue): void {
    const { slots, onChange } = this.#options;
    const gathered = slots.takeGathered(served);
    if (gathered.length === 0) return;
    this.#release(gathered);
    onChange();
  }

  /** Is called when a handler has ended, or is not awaited any longer. @param endedAt on the monotonic clock */
  ended(execution: Execution, outcome: Outcome, endedAt: number): void {
    // If the lease was lost while the handler ran, `leaseLost` was emitted then, and the broker would refuse a settlement.
    if (outcome.kind !== 'lost' && execution.isOurs) this.#endRun(execution, outcome, endedAt);
    else this.#options.permits().ended(execution.delivery, 0);
  }

  /** Decides how a run is settled. */
  #endRun(execution: Execution, outcome: OutcomeToSettle, endedAt: number): void {
    const ranMs = endedAt - execution.startedAt;
    execution.ranMs = ranMs;
    const decided = this.#decide(outcome, execution);
    const settlement = execution.run.usesSteps ? markSteps(decided) : decided;
    const error = 'error' in outcome ? outcome.error : undefined;
    if (outcome.kind === 'turned-away') {
      this.#settle(execution, settlement, NO_REPORT);
      return;
    }
    if (outcome.kind === 'later' && isA(error, RateLimitError)) this.#options.permits().hold(error, execution.delivery);
    if (outcome.kind === 'cancelled') {
      this.#end(execution, settlement, { event: 'cancelled', ranMs, error }, { error, state: 'cancelled' });
      return;
    }
    const report = reportOf(decided, ranMs, error);
    this.#end(execution, settlement, report, 'value' in outcome ? outcome : { error, state: 'dead' });
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

  /**
   * Adds a settlement with its result, if the broker stores results with settlements. If it does not, the result is stored
   * after the broker has accepted the settlement: a worker that lost its lease must not store what another worker
   * contradicts.
   */
  #end(held: HeldDelivery, settlement: Settlement, report: EndReport, ending: Ending): void {
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

  /** Adds a settlement to the next call of its queue. */
  #settle(held: HeldDelivery, settlement: Settlement, report: EndReport): void {
    held.report = report;
    const { joins, permits, onChange } = this.#options;
    // A limit counts runs: the next one need not wait for the broker's answer.
    permits().ended(held.delivery, report.ranMs ?? 0);
    if (!joins.endsOwner(settlement)) {
      held.servedQueue.settler.add(settlement, held);
      return;
    }
    // The key first: otherwise a worker that dies in between would leave a key without a message.
    void joins.ended(settlement).then((decided) => {
      if (decided !== settlement) {
        held.report = NO_REPORT;
        held.result = undefined;
      }
      held.servedQueue.settler.add(decided, held);
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

  #storeResult(held: HeldDelivery, result: SettledResult, isSure: boolean): void {
    const message = { id: held.delivery.envelope.id, name: held.taskName };
    void this.#options.results.keep(message, result, isSure).then(this.#options.onChange);
  }

  /** Ends a delivery whose lease is lost: aborts its handler, and reports it. Another worker may run the message by now. */
  leaseLost(held: HeldDelivery): void {
    // The settlement may have reached the broker before this renewal: then the message is not lost, but settled.
    // The answer to the settlement decides.
    if (held.isSettling) return;
    const { reporter, clock, slots, permits, onChange } = this.#options;
    const running = slots.lost(held);
    reporter.leaseLost(held, running && clock.monotonic() - running.startedAt, undefined);
    const reason = `the lease of message ${held.delivery.envelope.id} was lost; another worker may run it now`;
    if (running !== undefined) {
      permits().guard(held.delivery, 0);
      slots.abort(running, new LeaseLostError(reason));
    } else permits().ended(held.delivery, 0);
    onChange();
  }

  renewalFailed(queue: string, error: unknown): void {
    this.#options.logger.warn({ error, queue }, 'leases could not be renewed; trying again');
  }

  /** Cancels the runs of a message. @returns whether a run is cancelled, by this call or an earlier one */
  cancel(queue: string, id: string): boolean {
    const { slots, onChange } = this.#options;
    if (slots.cancel(queue, id)) return true;
    const held = slots.takeGatheredById(queue, id);
    if (held === undefined) return false;
    const error = cancelled(held.message);
    const settlement: Settlement = { kind: 'ack', delivery: held.delivery };
    this.#end(held, settlement, { event: 'cancelled', ranMs: undefined, error }, { error, state: 'cancelled' });
    onChange();
    return true;
  }
}
