import type { Logger } from 'pino';
import type { Broker } from '../broker/broker.ts';
import type { LimitStore } from '../broker/limit-store.ts';
import type { RecordStore } from '../broker/record-store.ts';
import type { ResultStore } from '../broker/result-store.ts';
import { JoinKeeper } from '../collapse/join-keeper.ts';
import { StepKeeper } from '../steps/step-keeper.ts';
import type { Clock, TimerHandle } from '../clock/clock.ts';
import { toMs } from '../clock/duration.ts';
import { keepAlive } from '../clock/keep-alive.ts';
import type { ControlChannel } from '../control/control-channel.ts';
import type { LimitRegistry } from '../limits/limit-registry.ts';
import type { TelemetrySinks } from '../middleware/telemetry-sinks.ts';
import { ConfigError, ShutdownError } from '../errors/errors.ts';
import { EventEmitter } from './event-emitter.ts';
import type { Hooks } from './hooks.ts';
import type { BrokerCalls } from './broker-calls.ts';
import { Consumer } from './consumer.ts';
import { Operations } from './operations.ts';
import { ProgressWriter } from './progress-writer.ts';
import { Reporter } from './reporter.ts';
import { ResultKeeper } from './result-keeper.ts';
import type { RunnableTask } from './runnable-task.ts';
import type { StopOptions, StopReport, WorkerEvents } from './worker.ts';
import { checkListener, checkStopOptions } from './worker-options.ts';
import { Stats } from './stats.ts';
import { SuspectIsolation } from './suspect-isolation.ts';
import { StatsLine } from './stats-line.ts';

/** The signals of running handlers abort this long before the time of a stop ends. */
const SHUTDOWN_NOTICE_MS = 5_000;

/** Most interrupted runs that one log line names. */
const MOST_NAMED = 100;

/** The parts of the application that a worker opens at its start. */
export interface WorkerDependencies {
  readonly broker: Broker;
  /** The store for results, if a task keeps its result. */
  readonly resultStore: ResultStore | undefined;
  /** Opens the store for progress; `undefined` if no store is configured. */
  readonly progressStore: () => Promise<ResultStore | undefined>;
  /** Opens the store for steps. @throws ConfigError (`STORE_MISSING`) if no store is configured */
  readonly records: (need: { readonly task: string; readonly option: string }) => Promise<RecordStore>;
  readonly taskFor: (name: string) => RunnableTask | undefined;
  readonly limits: LimitRegistry;
  /** The store that counts limits; `undefined` if none is configured. */
  readonly limitStore: LimitStore | undefined;
  /** Size of the largest batch of a queue's tasks; 1 if it has no batch tasks. */
  readonly largestBatch: (queue: string) => number;
  /** Whether a task of the queue has `priorities`. */
  readonly hasPriorities: (queue: string) => boolean;
}

export interface TaskWorkerOptions {
  readonly id: string;
  readonly queues: ReadonlyMap<string, number>;
  readonly strict: boolean;
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly leaseThread: boolean;
  readonly maxCrashes: number;
  readonly maxPayload: number;
  /** How long keys of joined messages are remembered. */
  readonly keyTtlMs: number;
  readonly shutdownTimeoutMs: number;
  /** Time limit for storing a result. The message is settled after it. */
  readonly storeTimeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly hooks: Hooks;
  readonly sinks: TelemetrySinks;
  readonly calls: BrokerCalls;
  readonly control: ControlChannel;
  /** Gets every event too. */
  readonly managerEvents: EventEmitter<WorkerEvents>;
  /** Opens the broker, and completes the options of the tasks. Called once, at the start. */
  readonly dependencies: () => Promise<WorkerDependencies>;
}

export type WorkerPhase = 'new' | 'starting' | 'running' | 'stopping' | 'stopped';

/** The life cycle of a worker: start, serve, stop. */
export class TaskWorker {
  readonly id: string;
  readonly #options: TaskWorkerOptions;
  readonly #events: EventEmitter<WorkerEvents>;
  /** What this worker has done. */
  readonly stats = new Stats();
  readonly isolation: SuspectIsolation;
  readonly #line: StatsLine;
  readonly #stopped = new AbortController();
  #state: WorkerPhase = 'new';
  #consumer: Consumer | undefined;
  #operations: Operations | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<StopReport> | undefined;
  #shutdownTimers: TimerHandle[] = [];
  #letProcessEnd: () => void = () => undefined;

  constructor(options: TaskWorkerOptions) {
    this.id = options.id;
    this.#options = options;
    this.#events = new EventEmitter(
      (event, error) => options.logger.error({ error, event }, 'a listener failed'),
      options.managerEvents,
    );
    this.isolation = new SuspectIsolation(options);
    this.#line = new StatsLine(this.stats, options.clock, options.logger, () => this.running);
  }

  /** Number of handlers that run now. */
  get running(): number {
    return this.#consumer?.slots.running ?? 0;
  }

  /** Number of messages that wait in the worker for more messages of their batches. */
  get gathering(): number {
    return this.#consumer?.slots.gathering ?? 0;
  }

  get state(): WorkerPhase {
    return this.#state === 'running' && this.#stopping !== undefined ? 'stopping' : this.#state;
  }

  /** Whether other messages wait because of a suspect. */
  get isHeldBySuspect(): boolean {
    return this.isolation.suspect !== undefined;
  }

  /** Whether it has ever run. */
  get wasReady(): boolean {
    return this.#consumer !== undefined;
  }

  /** Tasks that it may run at the same time. */
  get slots(): number {
    return this.#options.concurrency;
  }

  start(): Promise<void> {
    if (this.#state !== 'new') {
      const message = `worker ${this.id} was started or stopped before; create another`;
      return Promise.reject(new ConfigError(message, { code: 'WORKER_STARTED_TWICE' }));
    }
    this.#state = 'starting';
    this.#letProcessEnd = keepAlive();
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
    checkListener(event, listener, 'worker.on');
    this.#events.on(event, listener);
    return this;
  }

  off<E extends keyof WorkerEvents>(event: E, listener: (...args: WorkerEvents[E]) => void): this {
    checkListener(event, listener, 'worker.off');
    this.#events.off(event, listener);
    return this;
  }

  once<E extends keyof WorkerEvents>(event: E, listener: (...args: WorkerEvents[E]) => void): this {
    checkListener(event, listener, 'worker.once');
    this.#events.once(event, listener);
    return this;
  }

  async #start(): Promise<void> {
    const { hooks, logger, queues, concurrency } = this.#options;
    let consumer: Consumer;
    try {
      await hooks.start();
      consumer = await this.#open();
    } catch (error) {
      await this.#close();
      throw error;
    }
    this.#consumer = consumer;
    this.#state = 'running';
    logger.info({ worker: this.id, queues: [...queues.keys()], concurrency }, 'worker started');
    this.#events.emit('started');
    if (this.#stopping === undefined) consumer.start();
  }

  async #open(): Promise<Consumer> {
    const dependencies = await this.#options.dependencies();
    const consumer = await this.#openConsumer(dependencies);
    try {
      const { broker } = dependencies;
      const totals = this.stats;
      this.#operations = await Operations.open({
        ...this.#options,
        broker,
        consumer,
        isolation: this.isolation,
        totals,
        events: this.#events,
        stopped: this.#stopped.signal,
      });
    } catch (error) {
      await consumer.close();
      throw error;
    }
    return consumer;
  }

  #openConsumer(dependencies: WorkerDependencies): Promise<Consumer> {
    const { broker, resultStore, progressStore, records, taskFor, largestBatch, hasPriorities, limits, limitStore } =
      dependencies;
    const { clock, logger, control, maxCrashes, maxPayload, keyTtlMs, storeTimeoutMs, sinks, ...options } =
      this.#options;
    const { maxDelayMs } = broker.capabilities;
    return Consumer.open({
      ...options,
      workerId: this.id,
      broker,
      largestBatch,
      hasPriorities,
      isolation: this.isolation,
      judging: { taskFor, now: () => clock.now(), workerId: this.id, maxCrashes, maxPayload, maxDelayMs },
      reporter: new Reporter({
        events: this.#events,
        stats: this.stats,
        line: this.#line,
        sinks,
        now: () => clock.now(),
        logger,
      }),
      clock,
      logger,
      results: new ResultKeeper({ broker, store: resultStore, maxPayload, timeoutMs: storeTimeoutMs, clock, logger }),
      progress: new ProgressWriter({ control, store: progressStore, clock, logger }),
      joins: new JoinKeeper({ records, clock, logger, keyTtlMs }),
      limits: { registry: limits, store: limitStore, timeoutMs: storeTimeoutMs },
      steps: new StepKeeper({ records: (task) => records({ task, option: 'step()' }), clock, logger }),
    });
  }

  async #stop(): Promise<StopReport> {
    this.#stopped.abort();
    // A start that fails has closed what it opened, and its caller has the error.
    await this.#starting?.catch(() => undefined);
    if (this.#consumer !== undefined) await this.#stopServing(this.#consumer);
    this.#state = 'stopped';
    for (const timer of this.#shutdownTimers) this.#options.clock.clearTimeout(timer);
    return { interrupted: this.#consumer?.slots.interrupted.length ?? 0 };
  }

  async #stopServing(consumer: Consumer): Promise<void> {
    const { logger } = this.#options;
    this.#state = 'stopping';
    logger.info({ worker: this.id, running: consumer.slots.running }, 'worker stopping');
    this.#operations?.stopping();
    await consumer.finish();
    this.#reportInterrupted(consumer);
    // At the same time: if the server is unreachable, each waits for it up to its limit.
    await Promise.all([consumer.close(), this.#operations?.close()]);
    await this.#close();
    this.#line.stop();
    logger.info({ worker: this.id }, 'worker stopped');
    this.#events.emit('stopped');
  }

  #reportInterrupted({ slots: { interrupted } }: Consumer): void {
    if (interrupted.length === 0) return;
    this.#options.logger.warn(
      { worker: this.id, interrupted: interrupted.length, tasks: interrupted.slice(0, MOST_NAMED) },
      'tasks did not end in time: they are handed back, and run again elsewhere',
    );
  }

  async #close(): Promise<void> {
    const { hooks, logger } = this.#options;
    await hooks.stop((error) => logger.error({ error }, 'a stop hook failed'));
    this.#state = 'stopped';
    this.#letProcessEnd();
  }
}

function shutdown(): ShutdownError {
  return new ShutdownError('the worker is stopping; end now, or this run is handed back and starts again elsewhere');
}
