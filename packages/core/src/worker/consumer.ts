import { setMaxListeners } from 'node:events';
// From the module: tests that fake timers replace the global function, and `drain()` would hang.
import { setImmediate } from 'node:timers';
import type { Logger } from 'pino';
import type { Delivery } from '../broker/delivery.ts';
import { TASK_HEADER } from '../broker/headers.ts';
import type { Settlement } from '../broker/settlement.ts';
import type { Clock } from '../clock/clock.ts';
import { LeaseLostError } from '../errors/errors.ts';
import { failpoint } from '../failpoints/failpoint.ts';
import type { Ending } from '../result/result-record.ts';
import { Execution } from './execution.ts';
import { type Fetched, Fetcher } from './fetcher.ts';
import { HeldDelivery } from './held-delivery.ts';
import type { Lane } from './lane.ts';
import type { Outcome, SettledOutcome } from './outcome.ts';
import { type JudgeContext, judgeDelivery, type RunVerdict, failureWithoutRun } from './judge-delivery.ts';
import { type Report, type Reporter, reportOf, UNTOLD } from './reporter.ts';
import type { ResultKeeper } from './result-keeper.ts';
import { Runner } from './runner.ts';
import { type SettlementContext, settlementFor } from './settlement-for.ts';
import { isSuspect, SuspectIsolation } from './suspect-isolation.ts';
import type { RunnableTask } from './runnable-task.ts';

export interface ConsumerOptions {
  readonly workerId: string;
  readonly lanes: readonly Lane[];
  readonly strict: boolean;
  readonly concurrency: number;
  readonly judging: JudgeContext;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly results: ResultKeeper;
}

/** The life of messages in a worker: fetch as many as there are free slots, judge, run, settle. */
export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #fetcher: Fetcher<Lane>;
  readonly #runner: Runner;
  readonly #isolation = new SuspectIsolation();
  readonly #fetching = new AbortController();
  readonly #settling: SettlementContext;
  #loop: Promise<void> | undefined;
  #turnScheduled = false;
  #wake: (() => void) | undefined;
  #emptied: (() => void)[] = [];
  #interrupted = 0;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    // Each of any number of queues listens to it.
    setMaxListeners(0, this.#fetching.signal);
    this.#fetcher = new Fetcher(options.lanes, {
      strict: options.strict,
      clock: options.clock,
      onError: (queue, error, waitMs) => options.logger.warn({ queue, error, waitMs }, 'fetching failed; trying again'),
    });
    this.#settling = {
      workerId: options.workerId,
      now: options.judging.now,
      onPolicyError: (error, { task }) =>
        options.logger.error({ error, task }, 'the retry policy failed; using the default one'),
      onMatcherError: (error, { task }) =>
        options.logger.warn({ error, task }, 'a predicate of retryOn or giveUpOn failed; taken for no match'),
    };
    this.#runner = new Runner({
      clock: options.clock,
      logger: options.logger,
      onEnd: (execution, outcome) => this.#finish(execution, outcome),
    });
  }

  /** Handlers that run now. */
  get running(): number {
    return this.#runner.size;
  }

  /** Runs that were handed back unfinished. */
  get interrupted(): number {
    return this.#interrupted;
  }

  start(): void {
    this.#loop = this.#fetch();
  }

  /** Fetches no more, and starts nothing any more; resolves once no fetch is under way. */
  async stopFetching(): Promise<void> {
    this.#fetching.abort();
    this.#wake?.();
    await this.#loop;
    failpoint('shutdown.after-stop-claim');
  }

  /** Resolves once no handler runs, and no result is being stored. */
  async finished(): Promise<void> {
    if (this.#isBusy) await new Promise<void>((resolve) => this.#emptied.push(resolve));
  }

  /** Resolves once the broker has taken all settlements, or they were given up. */
  async settledAll(): Promise<void> {
    await Promise.all(this.#options.lanes.map((lane) => lane.settler.drained()));
  }

  abortAll(reason: Error): void {
    this.#runner.abortAll(reason);
  }

  giveUpAll(): void {
    this.#options.results.giveUp();
    this.#runner.giveUpAll();
  }

  close(): void {
    this.#runner.close();
  }

  /** What somebody else may run by now. */
  lost(held: HeldDelivery): void {
    // Its settlement may have arrived before the renewal did: the answer to that will tell.
    if (held.isSettling) return;
    const { reporter, clock } = this.#options;
    const running = held instanceof Execution && held.isRunning ? held : undefined;
    const durationMs = running === undefined ? 0 : clock.monotonic() - running.startedAt;
    reporter.leaseLost(held.delivery, durationMs, undefined);
    const reason = `the lease of message ${held.delivery.envelope.id} was lost; somebody else may run it now`;
    if (running !== undefined) this.#runner.abort(running, new LeaseLostError(reason));
    this.#scheduleTurn();
  }

  /** The broker answered a settlement. */
  settled(settlement: Settlement, lost: boolean, held: HeldDelivery): void {
    held.lane.leases.drop(held);
    this.#options.reporter.settled(settlement, lost, held.report ?? UNTOLD);
    this.#scheduleTurn();
  }

  /** Nobody can tell what became of a settlement. */
  settleUnknown(settlement: Settlement, error: unknown, held: HeldDelivery): void {
    held.lane.leases.drop(held);
    this.#options.reporter.unknown(settlement, error);
    this.#scheduleTurn();
  }

  async #fetch(): Promise<void> {
    const { signal } = this.#fetching;
    while (!signal.aborted) {
      const free = this.#freeSlots();
      if (free === 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      const fetched = await this.#fetcher.next(free, signal);
      if (fetched.length > 0) this.#accept(fetched);
    }
  }

  #freeSlots(): number {
    const { concurrency } = this.#options;
    const running = this.#runner.size;
    const held = this.#held();
    // What is done may be on its way and what was done after it wait for the next call, and no more.
    if (this.#isolation.isClosed || held - running > 2 * concurrency) return 0;
    if (this.#isolation.isWary) return this.#isEmpty() ? 1 : 0;
    return Math.max(0, concurrency - running);
  }

  #accept(fetched: readonly Fetched<Lane>[]): void {
    const isOne = fetched.length === 1 && fetched[0]?.deliveries.length === 1;
    const mayStart = this.#admits(fetched, isOne);
    const acceptedAt = isOne ? Number.POSITIVE_INFINITY : this.#options.clock.monotonic();
    for (const { source, deliveries } of fetched) this.#startAll(source, deliveries, mayStart, acceptedAt);
    this.#scheduleTurn();
  }

  /** Whether anything of what came may start: a suspect keeps its company from it, too. */
  #admits(fetched: readonly Fetched<Lane>[], isOne: boolean): boolean {
    if (fetched.some(({ deliveries }) => deliveries.some(isSuspect)))
      return this.#isolation.admit(isOne && this.#isEmpty());
    this.#isolation.relax();
    return true;
  }

  #startAll(lane: Lane, deliveries: readonly Delivery[], mayStart: boolean, acceptedAt: number): void {
    // A handler may block the thread for longer than the leases of those that came with it.
    const startBy = acceptedAt + lane.leases.leaseMs / 2;
    let back: HeldDelivery[] | undefined;
    for (const delivery of deliveries) {
      const verdict = judgeDelivery(delivery, this.#options.judging);
      if (verdict.kind === 'run' && mayStart && this.#start(lane, delivery, verdict, startBy)) continue;
      const held = new HeldDelivery(lane, delivery);
      lane.leases.hold(held);
      if (verdict.kind === 'settle') {
        if (verdict.unknownTask !== undefined) this.#options.reporter.unknownTask(verdict.unknownTask, lane.queue);
        this.#settleUnrun(held, verdict.settlement);
      } else if (back === undefined) back = [held];
      else back.push(held);
    }
    if (back === undefined) return;
    // Last one first, since each goes back to the head of its line.
    for (const held of back.reverse()) this.#settle(held, { kind: 'release', delivery: held.delivery }, UNTOLD);
  }

  /** Whether nothing is held, and nothing runs that was lost. */
  #isEmpty(): boolean {
    return this.#held() === 0 && this.#runner.size === 0;
  }

  /** Deliveries that are neither settled nor lost. */
  #held(): number {
    let held = 0;
    for (const { leases } of this.#options.lanes) held += leases.size;
    return held;
  }

  /** Runs it, unless the worker stops, is full or was held up for too long. */
  #start(lane: Lane, delivery: Delivery, { message, task }: RunVerdict, startBy: number): boolean {
    if (this.#fetching.signal.aborted || this.#isolation.isClosed) return false;
    if (this.#runner.size >= this.#options.concurrency) return false;
    if (isSuspect(delivery)) this.#isolation.enter();
    if (this.#runner.start(lane, delivery, message, task, startBy)) return true;
    this.#isolation.leave();
    return false;
  }

  #finish(execution: Execution, outcome: Outcome): void {
    failpoint('handler.after-before-settle');
    if (outcome.kind === 'interrupted') this.#interrupted++;
    this.#isolation.leave();
    // Where its lease was lost meanwhile, that has been told, and nothing may be settled.
    if (outcome.kind !== 'lost' && execution.isOurs) this.#settleRun(execution, outcome);
    this.#scheduleTurn();
    this.#tellEmptied();
  }

  /** Whether a handler runs, or a result is being stored. */
  get #isBusy(): boolean {
    return this.#runner.size > 0 || this.#options.results.size > 0;
  }

  #tellEmptied(): void {
    if (!this.#isBusy) for (const resolve of this.#emptied.splice(0)) resolve();
  }

  #settleRun(execution: Execution, outcome: SettledOutcome): void {
    const { task, startedAt } = execution;
    const settlement = settlementFor(outcome, execution, this.#settling);
    const error = 'error' in outcome ? outcome.error : undefined;
    const report = reportOf(settlement, this.#options.clock.monotonic() - startedAt, error);
    if (outcome.kind === 'succeeded') this.#settleEnded(execution, settlement, report, task, outcome);
    else if (settlement.kind === 'dead-letter') this.#settleEnded(execution, settlement, report, task, { error });
    else this.#settle(execution, settlement, report);
  }

  /** Ends, or postpones, what no handler saw. */
  #settleUnrun(held: HeldDelivery, settlement: Settlement): void {
    const error = failureWithoutRun(settlement);
    const name = held.delivery.envelope.headers[TASK_HEADER] ?? '';
    const task = error === undefined ? undefined : this.#options.judging.taskFor(name);
    this.#settleEnded(held, settlement, reportOf(settlement, undefined, error), task, { error });
  }

  /** Whoever waits for its result learns of its end, before it is gone. No time limit of the handler's counts here. */
  #settleEnded(
    held: HeldDelivery,
    settlement: Settlement,
    report: Report,
    task: RunnableTask | undefined,
    ending: Ending,
  ): void {
    if (task?.definition.resultTtlMs === undefined) {
      this.#settle(held, settlement, report);
      return;
    }
    void this.#options.results.keep(held.delivery.envelope.id, task.definition, ending).then(() => {
      if (held.isOurs) this.#settle(held, settlement, report);
      this.#scheduleTurn();
      this.#tellEmptied();
    });
  }

  #settle(held: HeldDelivery, settlement: Settlement, report: Report): void {
    held.report = report;
    held.lane.settler.add(settlement, held);
  }

  /** Everything that ended in one turn of the event loop is settled, and its slots refilled, in one go. */
  #scheduleTurn(): void {
    if (this.#turnScheduled) return;
    this.#turnScheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#turnScheduled = false;
    for (const lane of this.#options.lanes) lane.settler.flush();
    const wake = this.#wake;
    if (wake === undefined || (this.#freeSlots() === 0 && !this.#fetching.signal.aborted)) return;
    this.#wake = undefined;
    wake();
  }
}
