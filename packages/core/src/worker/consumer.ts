import type { Logger } from 'pino';
import type { Delivery } from '../broker/delivery.ts';
import type { Settlement } from '../broker/settlement.ts';
import type { Clock } from '../clock/clock.ts';
import { LeaseLostError } from '../errors/errors.ts';
import { failpoint } from '../failpoints/failpoint.ts';
import { Execution } from './execution.ts';
import { Fetcher } from './fetcher.ts';
import { Held } from './held.ts';
import type { Lane } from './lane.ts';
import type { Outcome, SettledOutcome } from './outcome.ts';
import { type Judging, processDelivery } from './process-delivery.ts';
import { type Report, type Reporter, reportOf, UNTOLD } from './reporter.ts';
import { Runner } from './runner.ts';
import { type Settling, settleOutcome } from './settle-outcome.ts';
import { isSuspect, Solitude } from './solitude.ts';

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 2_000;

export interface ConsumerOptions {
  readonly workerId: string;
  readonly lanes: readonly Lane[];
  readonly strict: boolean;
  readonly concurrency: number;
  readonly judging: Judging;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Keeps the failure of a task that keeps results, before it is dead-lettered. */
  readonly storeFailure: (execution: Execution, error: unknown) => Promise<void>;
}

/** The life of messages in a worker: fetch as many as there are free slots, judge, run, settle. */
export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #fetcher: Fetcher<Lane>;
  readonly #runner: Runner;
  readonly #solitude = new Solitude();
  readonly #fetching = new AbortController();
  readonly #settling: Settling;
  #loop: Promise<void> | undefined;
  #turnScheduled = false;
  #wake: (() => void) | undefined;
  #emptied: (() => void)[] = [];
  #interrupted = 0;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#fetcher = new Fetcher(options.lanes, options.strict);
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

  /** Fetches no more and hands back what has not started; resolves once no fetch is under way. */
  async stopFetching(): Promise<void> {
    this.#fetching.abort();
    this.#wake?.();
    await this.#loop;
  }

  /** Resolves once no handler runs. */
  async finished(): Promise<void> {
    if (this.#runner.size > 0) await new Promise<void>((resolve) => this.#emptied.push(resolve));
  }

  abortAll(reason: Error): void {
    this.#runner.abortAll(reason);
  }

  giveUpAll(): void {
    this.#runner.giveUpAll();
  }

  close(): void {
    this.#runner.close();
  }

  /** What somebody else may run by now. */
  lost(held: Held): void {
    // Its settlement may have arrived before the renewal did: the answer to that will tell.
    if (held.isSettling) return;
    const { reporter, clock } = this.#options;
    const running = held instanceof Execution && held.isRunning ? held : undefined;
    const durationMs = running === undefined ? 0 : clock.monotonic() - running.startedAt;
    reporter.leaseLost(held.delivery, durationMs, undefined);
    if (running !== undefined) {
      const { id } = held.delivery.envelope;
      const reason = `the lease of message ${id} was lost; somebody else may run it now`;
      this.#runner.abort(running, new LeaseLostError(reason));
    }
    this.#scheduleTurn();
  }

  /** The broker answered a settlement. */
  settled(settlement: Settlement, lost: boolean, held: Held): void {
    held.lane.leases.drop(held);
    this.#options.reporter.settled(settlement, lost, held.report ?? UNTOLD);
    this.#scheduleTurn();
  }

  /** Nobody can tell what became of a settlement. */
  settleUnknown(settlement: Settlement, error: unknown, held: Held): void {
    held.lane.leases.drop(held);
    this.#options.reporter.unknown(settlement, error);
    this.#scheduleTurn();
  }

  async #fetch(): Promise<void> {
    const { signal } = this.#fetching;
    let waitMs = FIRST_WAIT_MS;
    while (!signal.aborted) {
      const free = this.#freeSlots();
      if (free === 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      try {
        const fetched = await this.#fetcher.next(free, signal);
        if (fetched.some(({ deliveries }) => deliveries.length > 0)) failpoint('claim.after-exec-before-reply');
        const alone = this.#held() === 0 && fetched.length === 1 && fetched[0]?.deliveries.length === 1;
        for (const { source, deliveries } of fetched) this.#accept(source, deliveries, alone);
        waitMs = FIRST_WAIT_MS;
      } catch (error) {
        this.#options.logger.warn({ error, waitMs }, 'fetching failed; trying again');
        await this.#sleep(waitMs);
        waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
      }
    }
  }

  #freeSlots(): number {
    const { concurrency } = this.#options;
    const running = this.#runner.size;
    const unsettled = this.#held() - running;
    // What is done may be on its way and what was done after it wait for the next call, and no more.
    if (this.#solitude.isClosed || unsettled > 2 * concurrency) return 0;
    if (this.#solitude.isWary) return running + unsettled === 0 ? 1 : 0;
    return Math.max(0, concurrency - running);
  }

  /** @param alone whether the worker holds nothing but this one delivery */
  #accept(lane: Lane, deliveries: readonly Delivery[], alone: boolean): void {
    if (deliveries.length > 0 && !deliveries.some(isSuspect)) this.#solitude.relax();
    for (const delivery of deliveries) {
      const verdict = processDelivery(delivery, this.#options.judging);
      if (verdict.kind === 'run' && this.#mayStart(delivery, alone)) {
        this.#runner.start(lane, delivery, verdict.message, verdict.task);
        continue;
      }
      const held = new Held(lane, delivery);
      lane.leases.hold(held);
      if (verdict.kind === 'settle') this.#settle(held, verdict.settlement, reportOf(verdict.settlement));
      else this.#release(held);
    }
    this.#scheduleTurn();
  }

  /** Deliveries that are neither settled nor lost. */
  #held(): number {
    let held = 0;
    for (const { leases } of this.#options.lanes) held += leases.size;
    return held;
  }

  #mayStart(delivery: Delivery, alone: boolean): boolean {
    if (this.#fetching.signal.aborted || this.#solitude.isClosed) return false;
    if (isSuspect(delivery)) return this.#solitude.admit(alone);
    return this.#runner.size < this.#options.concurrency;
  }

  #finish(execution: Execution, outcome: Outcome): void {
    failpoint('handler.after-before-settle');
    if (outcome.kind === 'interrupted') this.#interrupted++;
    this.#solitude.leave();
    // Where its lease was lost meanwhile, that has been told, and nothing may be settled.
    if (outcome.kind !== 'lost' && execution.isOurs) this.#settleRun(execution, outcome);
    this.#scheduleTurn();
    if (this.#runner.size === 0) for (const resolve of this.#emptied.splice(0)) resolve();
  }

  #settleRun(execution: Execution, outcome: SettledOutcome): void {
    const { task, startedAt } = execution;
    const settlement = settleOutcome(outcome, execution, this.#settling);
    const error = 'error' in outcome ? outcome.error : undefined;
    const report = reportOf(settlement, this.#options.clock.monotonic() - startedAt, error);
    if (settlement.kind !== 'dead-letter' || task.definition.resultTtlMs === undefined) {
      this.#settle(execution, settlement, report);
      return;
    }
    void this.#options.storeFailure(execution, report.error).then(() => {
      if (execution.isOurs) this.#settle(execution, settlement, report);
      this.#scheduleTurn();
    });
  }

  #release(held: Held): void {
    this.#settle(held, { kind: 'release', delivery: held.delivery }, UNTOLD);
    this.#scheduleTurn();
  }

  #settle(held: Held, settlement: Settlement, report: Report): void {
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

  #sleep(waitMs: number): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#fetching;
    return new Promise((resolve) => {
      const done = () => {
        clock.clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = clock.setTimeout(done, waitMs);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
