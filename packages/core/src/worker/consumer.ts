import { setMaxListeners } from 'node:events';
// From the module: tests that fake timers replace the global function, and `drain()` would hang.
import { setImmediate } from 'node:timers';
import type { Logger } from 'pino';
import type { Broker } from '../broker/broker.ts';
import type { Delivery } from '../broker/delivery.ts';
import { isSuspect } from '../broker/suspect.ts';
import type { Clock } from '../clock/clock.ts';
import { inTime } from '../clock/in-time.ts';
import { failpoint } from '../failpoints/failpoint.ts';
import { Capacity } from './capacity.ts';
import type { BrokerCalls } from './broker-calls.ts';
import { DeliveryHandler } from './delivery-handler.ts';
import { type Fetched, Fetcher } from './fetcher.ts';
import type { JudgeContext } from './judge-delivery.ts';
import type { ServedQueue } from './served-queue.ts';
import { closeServedQueues, openServedQueues } from './served-queues.ts';
import type { OnFetchError } from './queue-share.ts';
import type { LimitGate } from './limit-gate.ts';
import { openLimitGate, type WorkerLimits } from './open-limit-gate.ts';
import type { ProgressWriter } from './progress-writer.ts';
import type { JoinKeeper } from '../collapse/join-keeper.ts';
import type { StepKeeper } from '../steps/step-keeper.ts';
import type { Reporter } from './reporter.ts';
import type { ResultKeeper } from './result-keeper.ts';
import { Slots } from './slots.ts';
import type { SuspectIsolation } from './suspect-isolation.ts';

/** Time limit at a close: for the last settlements, for the last progress, and for the subscriptions to close. */
const LAST_ANSWERS_MS = 2_000;

export interface ConsumerOptions {
  readonly workerId: string;
  readonly broker: Broker;
  /** Weights of the queues by name. */
  readonly queues: ReadonlyMap<string, number>;
  readonly strict: boolean;
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly leaseThread: boolean;
  readonly judging: JudgeContext;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly results: ResultKeeper;
  readonly calls: BrokerCalls;
  readonly progress: ProgressWriter;
  readonly limits: WorkerLimits;
  readonly steps: StepKeeper;
  readonly joins: JoinKeeper;
  readonly largestBatch: (queue: string) => number;
  readonly hasPriorities: (queue: string) => boolean;
  readonly isolation: SuspectIsolation;
}

/**
 * The main loop of a worker. The way of a delivery: the `Fetcher` receives it; `#accept` passes it to the `DeliveryHandler`,
 * which judges and starts it, and decides how it is settled (messages with limits go through the `LimitGate` first); `#turn`
 * lets the `Settler` of its queue send that; the broker's answer ends at `DeliveryHandler.settled`.
 */
export class Consumer {
  /** What runs and gathers. */
  readonly slots: Slots;
  readonly #options: ConsumerOptions;
  readonly #servedQueues: ServedQueue[] = [];
  readonly #handler: DeliveryHandler;
  readonly #gate: LimitGate;
  readonly #capacity: Capacity;
  readonly #fetching = new AbortController();
  #fetcher: Fetcher<ServedQueue> | undefined;
  #loop: Promise<void> | undefined;
  #paused: ReadonlySet<string> = new Set();
  readonly #onFetchError: OnFetchError = (queue, error, waitMs) =>
    this.#options.logger.warn({ queue, error, waitMs }, 'fetching failed; trying again');
  #isQuiet = false;
  #turnScheduled = false;
  /** Free slots of the pending fetch; `undefined` if none is pending. */
  #asked: number | undefined;
  #wake: (() => void) | undefined;

  /** Subscribes to all queues. If one of them fails, the others are closed again. @throws what `Broker.subscribe` throws */
  static async open(options: ConsumerOptions): Promise<Consumer> {
    const consumer = new Consumer(options);
    try {
      await consumer.#gate.start();
      await consumer.#openQueues();
    } catch (error) {
      await consumer.close();
      throw error;
    }
    return consumer;
  }

  private constructor(options: ConsumerOptions) {
    this.#options = options;
    // Every queue adds a listener. Above ten, Node would print a leak warning.
    setMaxListeners(0, this.#fetching.signal);
    const given = { ...options, permits: () => this.#gate, onChange: () => this.#scheduleTurn() };
    this.slots = new Slots({
      ...given,
      now: options.judging.now,
      onEnd: (execution, outcome, endedAt) => this.#handler.ended(execution, outcome, endedAt),
      onLeft: (held, kind) => this.#handler.endWithoutRun(held, { kind, delivery: held.delivery }),
    });
    this.#handler = new DeliveryHandler({ ...given, slots: this.slots });
    this.#gate = openLimitGate({
      ...given,
      handOver: (served, deliveries, startBy) =>
        this.#handler.accept(served, deliveries, !served.isPaused, Math.min(startBy, this.#latestStart())),
      turnAway: (held, settlement) => this.#handler.endWithoutRun(held, settlement),
    });
    const parts = { servedQueues: this.#servedQueues, slots: this.slots, gate: this.#gate };
    this.#capacity = new Capacity({ ...given, ...parts });
  }

  async #openQueues(): Promise<void> {
    const onRenew = (deliveries: readonly Delivery[]) => this.#gate.renew(deliveries);
    const listening = { listener: this.#handler, onFetchError: this.#onFetchError, onRenew };
    this.#servedQueues.push(...(await openServedQueues({ ...this.#options, ...listening })));
  }

  /** Whether no message is fetched from any queue. */
  get isQuiet(): boolean {
    return this.#isQuiet;
  }

  start(): void {
    const { strict, clock } = this.#options;
    this.#fetcher = new Fetcher(this.#servedQueues, { strict, clock, onError: this.#onFetchError });
    this.#loop = this.#fetch(this.#fetcher);
  }

  /** Fetches from all queues but these. Running handlers go on; messages that are fetched and not started are released. */
  pauseQueues(queues: readonly string[]): void {
    this.#paused = new Set(queues);
    this.#pausesChanged();
  }

  /** With `true`, fetches from no queue until it is called with `false`. Running handlers go on. */
  quiet(isQuiet: boolean): void {
    this.#isQuiet = isQuiet;
    this.#pausesChanged();
  }

  /** Reads the limits again that were set at run time. */
  limitsChanged(): void {
    this.#gate.limitsChanged();
  }

  #pausesChanged(): void {
    for (const served of this.#servedQueues) {
      served.isPaused = this.#isQuiet || this.#paused.has(served.queue);
      if (served.isPaused) this.#handler.releaseGathered(served);
    }
    this.#fetcher?.pausesChanged();
  }

  /** Cancels the runs of a message. @returns whether a run is cancelled, by this call or an earlier one */
  cancel(queue: string, id: string): boolean {
    return this.#handler.cancel(queue, id);
  }

  async #fetch(fetcher: Fetcher<ServedQueue>): Promise<void> {
    const { signal } = this.#fetching;
    while (!signal.aborted) {
      const free = this.#capacity.freeSlots();
      const hasRoom = this.#capacity.setExtras();
      if (free === 0 && !hasRoom) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      this.#asked = free;
      const fetched = await fetcher.next(free, signal);
      this.#asked = undefined;
      if (fetched.length > 0) this.#accept(fetched);
    }
    failpoint('shutdown.after-stop-claim');
  }

  #accept(fetched: readonly Fetched<ServedQueue>[]): void {
    const isOne = fetched.length === 1 && fetched[0]?.deliveries.length === 1;
    const mayStart = this.#admits(fetched, isOne);
    const startBy = isOne ? Number.POSITIVE_INFINITY : this.#latestStart();
    for (const { source, deliveries } of fetched) {
      // Messages of a queue that was paused during the fetch are released.
      const maySourceStart = mayStart && !source.isPaused;
      const passing = maySourceStart ? this.#gate.takeLimited(source, deliveries) : deliveries;
      this.#handler.accept(source, passing, maySourceStart, startBy);
    }
    this.#scheduleTurn();
  }

  /**
   * Handlers start one after the other. If one blocks the thread for half a lease, the rest of the fetch is released
   * without a run: their leases could end before they are renewed.
   */
  #latestStart(): number {
    return this.#options.clock.monotonic() + this.#options.leaseMs / 2;
  }

  /** Whether the fetched messages may start. A suspect runs alone: only if it is the only one, and nothing else is held. */
  #admits(fetched: readonly Fetched<ServedQueue>[], isOne: boolean): boolean {
    const { isolation } = this.#options;
    if (fetched.some(({ deliveries }) => deliveries.some(isSuspect))) {
      // A suspect runs once nothing else is held: what gathers must not wait for more.
      this.slots.batching?.completeAll();
      const all = fetched.flatMap(({ deliveries }) => deliveries);
      return isolation.suspectMayStart(all, isOne && this.#capacity.isEmpty);
    }
    isolation.relax();
    return true;
  }

  /** At the end of this turn of the event loop: settles everything that finished in it in one call, and refills the slots. */
  #scheduleTurn(): void {
    if (this.#turnScheduled) return;
    this.#turnScheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#turnScheduled = false;
    for (const served of this.#servedQueues) served.settler.flush();
    this.#gate.flush();
    // A pending fetch that was made without free slots reads only the queues whose messages gather.
    if (this.#asked === 0 && this.#capacity.freeSlots() > 0) this.#fetcher?.interrupt();
    const wake = this.#wake;
    if (wake === undefined) return;
    if (this.#capacity.freeSlots() === 0 && !this.#capacity.setExtras() && !this.#fetching.signal.aborted) return;
    this.#wake = undefined;
    wake();
  }

  /** Aborts the signal of every running handler. */
  abortAll(reason: Error): void {
    this.slots.abortAll(reason);
  }

  /** Waits for no handler and no result store any longer: releases the running messages. */
  giveUpAll(): void {
    this.#options.results.giveUp();
    this.slots.giveUpAll();
  }

  /** Stops fetching and starting. Resolves once no handler runs; a fetch may still be pending. */
  async finish(): Promise<void> {
    this.slots.startNoMore();
    this.#handler.releaseGathered();
    this.#fetching.abort();
    this.#wake?.();
    await this.slots.finished();
  }

  /** Settles what is held, and closes the subscriptions. Waits at most 2 s for each answer of the broker. */
  async close(): Promise<void> {
    await this.#inTime(this.#lastSettlements());
    await this.#inTime(this.#gate.drained());
    await this.#options.results.finished();
    const { progress, steps } = this.#options;
    await this.#inTime(Promise.all([progress.finished(), steps.finished()]));
    for (const { settler, leases } of this.#servedQueues) {
      // A pending fetch may still return messages: they are released in one try.
      settler.close();
      leases.close();
    }
    this.slots.close();
    this.#gate.close();
    await this.#inTime(closeServedQueues(this.#servedQueues, this.#options.logger));
  }

  #inTime(answers: Promise<unknown>): Promise<void> {
    return inTime(answers, LAST_ANSWERS_MS, this.#options.clock);
  }

  async #lastSettlements(): Promise<void> {
    // Messages that a pending fetch returns are released.
    await this.#loop;
    await this.#options.joins.finished();
    await this.#gate.answered();
    await Promise.all(this.#servedQueues.map(({ settler }) => settler.drained()));
  }
}
