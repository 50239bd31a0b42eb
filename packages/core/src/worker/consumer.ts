import type { Logger } from 'pino';
import type { Delivery } from '../broker/delivery.ts';
import type { Settlement } from '../broker/settlement.ts';
import type { Clock } from '../clock/clock.ts';
import { LeaseLostError } from '../errors/errors.ts';
import { failpoint } from '../failpoints/failpoint.ts';
import type { Execution } from './execution.ts';
import { Fetcher } from './fetcher.ts';
import type { Lane } from './lane.ts';
import type { Outcome, SettledOutcome } from './outcome.ts';
import { type Judging, processDelivery } from './process-delivery.ts';
import { type Report, type Reporter, reportOf, UNTOLD } from './reporter.ts';
import { Runner } from './runner.ts';
import { settleOutcome } from './settle-outcome.ts';
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
  readonly #laneOf = new Map<Delivery, Lane>();
  #loop: Promise<void> | undefined;
  #turnScheduled = false;
  #wake: (() => void) | undefined;
  #emptied: (() => void)[] = [];
  #interrupted = 0;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#fetcher = new Fetcher(options.lanes, options.strict);
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

  /** A delivery that somebody else may hold by now. */
  lost(delivery: Delivery): void {
    // Its settlement may have arrived before the renewal did: the answer to that will tell.
    if (this.#laneOf.get(delivery)?.settler.isSettling(delivery)) return;
    this.#options.reporter.leaseLost(delivery, this.#runner.durationOf(delivery), undefined);
    this.#forget(delivery);
    this.#runner.abort(
      delivery,
      new LeaseLostError(`the lease of message ${delivery.envelope.id} was lost; somebody else may run it now`),
    );
    this.#scheduleTurn();
  }

  /** The broker answered a settlement. */
  settled(settlement: Settlement, lost: boolean, report: Report): void {
    this.#forget(settlement.delivery);
    this.#options.reporter.settled(settlement, lost, report);
    this.#scheduleTurn();
  }

  /** Nobody can tell what became of a settlement. */
  settleUnknown(settlement: Settlement, error: unknown): void {
    this.#forget(settlement.delivery);
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
        const alone = this.#laneOf.size === 0 && fetched.length === 1 && fetched[0]?.deliveries.length === 1;
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
    const unsettled = this.#laneOf.size - running;
    if (this.#solitude.isClosed || unsettled > concurrency) return 0;
    if (this.#solitude.isWary) return running + unsettled === 0 ? 1 : 0;
    return Math.max(0, concurrency - running);
  }

  /** @param alone whether the worker holds nothing but this one delivery */
  #accept(lane: Lane, deliveries: readonly Delivery[], alone: boolean): void {
    if (deliveries.length > 0 && !deliveries.some(isSuspect)) this.#solitude.relax();
    for (const delivery of deliveries) {
      this.#hold(lane, delivery);
      const verdict = processDelivery(delivery, this.#options.judging);
      if (verdict.kind === 'settle') this.#settle(lane, verdict.settlement, reportOf(verdict.settlement));
      else if (this.#mayStart(delivery, alone)) this.#runner.start(delivery, verdict.message, verdict.task);
      else this.#release(lane, delivery);
    }
    this.#scheduleTurn();
  }

  #hold(lane: Lane, delivery: Delivery): void {
    this.#laneOf.set(delivery, lane);
    lane.leases.hold(delivery);
  }

  #mayStart(delivery: Delivery, alone: boolean): boolean {
    if (this.#fetching.signal.aborted || this.#solitude.isClosed) return false;
    if (isSuspect(delivery)) return this.#solitude.admit(alone);
    return this.#runner.size < this.#options.concurrency;
  }

  #finish(execution: Execution, outcome: Outcome): void {
    failpoint('handler.after-before-settle');
    const { delivery } = execution;
    if (outcome.kind === 'interrupted') this.#interrupted++;
    const lane = this.#laneOf.get(delivery);
    this.#solitude.leave();
    // Without a lane its lease was lost meanwhile: that has been told, and nothing may be settled.
    if (lane !== undefined && outcome.kind !== 'lost') this.#settleRun(lane, execution, outcome);
    this.#scheduleTurn();
    if (this.#runner.size === 0) for (const resolve of this.#emptied.splice(0)) resolve();
  }

  #settleRun(lane: Lane, execution: Execution, outcome: SettledOutcome): void {
    const { workerId, clock, judging, logger } = this.#options;
    const { delivery, message, task, startedAt } = execution;
    const settlement = settleOutcome(outcome, {
      delivery,
      message,
      task,
      workerId,
      now: judging.now(),
      onPolicyError: (error) =>
        logger.error({ error, task: message.task }, 'the retry policy failed; using the default one'),
    });
    const report = reportOf(settlement, clock.monotonic() - startedAt, 'error' in outcome ? outcome.error : undefined);
    if (settlement.kind !== 'dead-letter' || task.definition.resultTtlMs === undefined) {
      this.#settle(lane, settlement, report);
      return;
    }
    void this.#options.storeFailure(execution, report.error).then(() => {
      if (this.#laneOf.has(delivery)) this.#settle(lane, settlement, report);
      this.#scheduleTurn();
    });
  }

  #release(lane: Lane, delivery: Delivery): void {
    this.#settle(lane, { kind: 'release', delivery }, UNTOLD);
    this.#scheduleTurn();
  }

  #settle(lane: Lane, settlement: Settlement, report: Report): void {
    lane.settler.add(settlement, report);
  }

  #forget(delivery: Delivery): void {
    this.#laneOf.get(delivery)?.leases.drop(delivery);
    this.#laneOf.delete(delivery);
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
