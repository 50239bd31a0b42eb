import type { Logger } from 'pino';
import type { Broker } from '../broker/broker.ts';
import type { ResultStore } from '../broker/result-store.ts';
import type { Clock, TimerHandle } from '../clock/clock.ts';
import { toMs } from '../clock/duration.ts';
import { keepAlive } from '../clock/keep-alive.ts';
import { ConfigError, ShutdownError } from '../errors/errors.ts';
import { EventEmitter } from './event-emitter.ts';
import type { Hooks } from './hooks.ts';
import { Consumer } from './consumer.ts';
import { forgettingState } from './forget-state.ts';
import type { HeldDelivery } from './held-delivery.ts';
import type { Lane } from './lane.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import type { JudgeContext } from './judge-delivery.ts';
import { WorkerStats } from './worker-stats.ts';
import { Reporter } from './reporter.ts';
import { ResultKeeper } from './result-keeper.ts';
import { Settler } from './settler.ts';
import type { StopOptions, StopReport, Worker, WorkerEvents } from './worker.ts';
import { checkListener, checkStopOptions } from './worker-options.ts';
import type { RunnableTask } from './runnable-task.ts';

/** Handlers hear of a shutdown this long before its time is up. */
const SHUTDOWN_NOTICE_MS = 5_000;
/** Once nothing runs any more: so long for the last settlements to be taken, and so long for closing what was open. */
const LAST_ANSWERS_MS = 2_000;

/** What a worker works with once its broker is there. */
export interface WorkerDependencies {
  readonly broker: Broker;
  readonly resultStore: ResultStore | undefined;
  readonly taskFor: (name: string) => RunnableTask | undefined;
}

export interface TaskWorkerOptions {
  readonly id: string;
  readonly queues: ReadonlyMap<string, number>;
  readonly strict: boolean;
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly maxCrashes: number;
  readonly maxPayload: number;
  readonly shutdownTimeoutMs: number;
  /** How long a message that has ended may wait for its result to be stored. */
  readonly storeTimeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly hooks: Hooks;
  /** Opens the broker and settles the tasks' options; called at start. */
  readonly dependencies: () => Promise<WorkerDependencies>;
}

type State = 'new' | 'starting' | 'running' | 'stopping' | 'stopped';

/** The life of a worker: start, serve, stop. */
export class TaskWorker implements Worker {
  readonly id: string;
  readonly #options: TaskWorkerOptions;
  readonly #events: EventEmitter<WorkerEvents>;
  readonly #rates: WorkerStats;
  #state: State = 'new';
  #consumer: Consumer | undefined;
  #lanes: Lane[] = [];
  #starting: Promise<void> | undefined;
  #stopping: Promise<StopReport> | undefined;
  #shutdownTimers: TimerHandle[] = [];
  #letGo: () => void = () => undefined;

  constructor(options: TaskWorkerOptions) {
    this.id = options.id;
    this.#options = options;
    this.#events = new EventEmitter((event, error) => options.logger.error({ error, event }, 'a listener failed'));
    this.#rates = new WorkerStats(options.clock, options.logger, () => this.#consumer?.running ?? 0);
  }

  start(): Promise<void> {
    if (this.#state !== 'new') {
      return Promise.reject(
        new ConfigError(`worker ${this.id} was started or stopped before; create another`, {
          code: 'WORKER_STARTED_TWICE',
        }),
      );
    }
    this.#state = 'starting';
    this.#letGo = keepAlive();
    this.#starting = this.#start();
    return this.#starting;
  }

  async stop(options: StopOptions = {}): Promise<StopReport> {
    checkStopOptions(options);
    const { clock, shutdownTimeoutMs } = this.#options;
    const timeoutMs = options.timeout === undefined ? shutdownTimeoutMs : toMs(options.timeout, 'stop: timeout');
    if (this.#state !== 'stopped') {
      this.#shutdownTimers.push(
        clock.setTimeout(() => this.#consumer?.abortAll(shutdown()), Math.max(0, timeoutMs - SHUTDOWN_NOTICE_MS)),
        clock.setTimeout(() => this.#consumer?.giveUpAll(), timeoutMs),
      );
    }
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  on<E extends keyof WorkerEvents>(event: E, listener: (...args: WorkerEvents[E]) => void): this {
    checkListener(event, listener, 'on');
    this.#events.on(event, listener);
    return this;
  }

  off<E extends keyof WorkerEvents>(event: E, listener: (...args: WorkerEvents[E]) => void): this {
    checkListener(event, listener, 'off');
    this.#events.off(event, listener);
    return this;
  }

  once<E extends keyof WorkerEvents>(event: E, listener: (...args: WorkerEvents[E]) => void): this {
    checkListener(event, listener, 'once');
    this.#events.once(event, listener);
    return this;
  }

  async #start(): Promise<void> {
    const { hooks, logger, queues, concurrency } = this.#options;
    try {
      await hooks.start();
      await this.#open(await this.#options.dependencies());
    } catch (error) {
      await this.#close();
      throw error;
    }
    this.#state = 'running';
    logger.info({ worker: this.id, queues: [...queues.keys()], concurrency }, 'worker started');
    this.#events.emit('started');
    if (this.#stopping === undefined) this.#consumer?.start();
  }

  async #open({ broker, resultStore, taskFor }: WorkerDependencies): Promise<void> {
    const { leaseMs, concurrency, clock, logger, maxCrashes, maxPayload, storeTimeoutMs, strict } = this.#options;
    const judging: JudgeContext = {
      taskFor,
      now: () => clock.now(),
      maxCrashes,
      maxPayload,
      maxDelayMs: broker.capabilities.maxDelayMs,
    };
    for (const [queue, weight] of this.#options.queues) {
      const subscription = await broker.subscribe(queue, { leaseMs, prefetch: concurrency, workerId: this.id });
      const leases = new LeaseKeeper({
        subscription,
        clock,
        leaseMs,
        onLost: (held) => this.#consumer?.lost(held),
        onError: (error) => logger.warn({ error, queue }, 'leases could not be renewed; trying again'),
      });
      const settler = new Settler<HeldDelivery>({
        subscription: forgettingState(broker, subscription),
        clock,
        leaseMs,
        onSettled: (settlement, lost, held) => this.#consumer?.settled(settlement, lost, held),
        onUnknown: (settlement, error, held) => this.#consumer?.settleUnknown(settlement, error, held),
      });
      this.#lanes.push({ queue, weight, subscription, leases, settler });
    }
    this.#consumer = new Consumer({
      workerId: this.id,
      lanes: this.#lanes,
      strict,
      concurrency,
      judging,
      reporter: new Reporter(this.#events, this.#rates, logger),
      clock,
      logger,
      results: new ResultKeeper({ store: resultStore, maxPayload, timeoutMs: storeTimeoutMs, clock, logger }),
    });
  }

  async #stop(): Promise<StopReport> {
    // A start that fails has told its caller, and has closed what it opened.
    await this.#starting?.catch(() => undefined);
    const served = this.#state === 'running';
    if (served) {
      this.#state = 'stopping';
      this.#options.logger.info({ worker: this.id, running: this.#consumer?.running ?? 0 }, 'worker stopping');
      const fetched = this.#consumer?.stopFetching();
      await this.#consumer?.finished();
      await this.#close(fetched);
      this.#rates.stop();
      this.#options.logger.info({ worker: this.id }, 'worker stopped');
      this.#events.emit('stopped');
    }
    this.#state = 'stopped';
    for (const timer of this.#shutdownTimers) this.#options.clock.clearTimeout(timer);
    return { interrupted: this.#consumer?.interrupted ?? 0 };
  }

  /** @param fetched resolves once no fetch is under way */
  async #close(fetched?: Promise<void>): Promise<void> {
    const { hooks, logger } = this.#options;
    await this.#inTime(this.#lastSettlements(fetched));
    for (const lane of this.#lanes) {
      // What comes back late, of a fetch too, is tried once.
      lane.settler.close();
      lane.leases.close();
    }
    this.#consumer?.close();
    await this.#inTime(this.#unsubscribe());
    await hooks.stop((error) => logger.error({ error }, 'a stop hook failed'));
    this.#state = 'stopped';
    this.#letGo();
  }

  /** A broker that does not answer is waited for so long, and no longer. */
  async #inTime(answers: Promise<void>): Promise<void> {
    const { clock } = this.#options;
    await new Promise<void>((resolve, reject) => {
      const timer = clock.setTimeout(resolve, LAST_ANSWERS_MS);
      answers.then(resolve, reject).finally(() => clock.clearTimeout(timer));
    });
  }

  /** What ran is settled, and what a last fetch brought is handed back. */
  async #lastSettlements(fetched: Promise<void> | undefined): Promise<void> {
    await fetched;
    await this.#consumer?.settledAll();
  }

  async #unsubscribe(): Promise<void> {
    const { logger } = this.#options;
    // At once: one that hangs keeps no other from giving back what it was pushed ahead.
    await Promise.all(
      this.#lanes.map(({ queue, subscription }) =>
        subscription.close().catch((error: unknown) => logger.warn({ error, queue }, 'closing a subscription failed')),
      ),
    );
  }
}

function shutdown(): ShutdownError {
  return new ShutdownError('the worker is stopping; end now, or this run is handed back and starts again elsewhere');
}
