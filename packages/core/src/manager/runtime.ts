import { hostname } from 'node:os';
import { pid } from 'node:process';
import type { Logger } from 'pino';
import type { Broker } from '../broker/broker.ts';
import type { ResultStore } from '../broker/result-store.ts';
import type { Clock } from '../clock/clock.ts';
import { systemClock } from '../clock/system-clock.ts';
import { brokerKind, CUSTOM_BROKER_URL } from '../config/broker-kind.ts';
import { configuredBroker } from '../config/configured-broker.ts';
import { managerLogger } from '../config/default-logger.ts';
import { readEnvironment } from '../config/env-file.ts';
import { openBroker } from '../config/lazy-broker.ts';
import { resolveConfig, type TaskConfig } from '../config/task-config.ts';
import { ControlChannel } from '../control/control-channel.ts';
import type { EventEmitter } from '../worker/event-emitter.ts';
import type { Hooks } from '../worker/hooks.ts';
import { withoutBindings } from '../logging/create-logger.ts';
import { messageId } from '../message/message-id.ts';
import type { Middleware } from '../middleware/middleware.ts';
import { telemetryMiddleware } from '../middleware/telemetry-sinks.ts';
import { managerClosed } from '../producer/manager-closed.ts';
import { Producer } from '../producer/producer.ts';
import type { TaskDefinition } from '../task/task-definition.ts';
import type { TaskRegistry } from '../task/task-registry.ts';
import type { WorkerDependencies, TaskWorkerOptions } from '../worker/task-worker.ts';
import type { Worker, WorkerEvents, WorkerOptions } from '../worker/worker.ts';
import { checkConcurrency, checkWorkerOptions, workerQueues } from '../worker/worker-options.ts';
import { checkFeatures } from './check-features.ts';
import { checkMayRun } from './check-may-run.ts';
import { ManagedWorker } from './managed-worker.ts';
import { ManagerMetrics } from './manager-metrics.ts';
import type { ManagerOptions, RunMode } from './manager-options.ts';
import type { TaskHost } from './task-calls.ts';
import { noteStopInHandler } from './note-stop-in-handler.ts';
import { QueueTraits } from './queue-traits.ts';
import { Stores } from './stores.ts';
import { checkServed, limitStoreFor, ServedTasks, type ServedTasksOptions } from './served-tasks.ts';
import { warnOfDeadLetters, warnOfUnservedTasks } from './start-warnings.ts';

export interface RuntimeOptions {
  readonly options: ManagerOptions;
  readonly registry: TaskRegistry;
  readonly hooks: Hooks;
  readonly middleware: readonly Middleware[];
  /** Gets the events of every worker. */
  readonly events: EventEmitter<WorkerEvents>;
}

/** A manager in use: its settings are read, and the objects that they describe are made. */
export class Runtime implements TaskHost {
  readonly config: TaskConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly broker: Broker;
  readonly producer: Producer;
  readonly metrics: ManagerMetrics;
  readonly stores: Stores;
  readonly needLimitStore = (task?: string) =>
    this.stores.require('limits', task === undefined ? { option: 'a limit' } : { task, option: 'limits' });
  readonly #options: ManagerOptions;
  readonly #registry: TaskRegistry;
  readonly #hooks: Hooks;
  readonly #events: EventEmitter<WorkerEvents>;
  readonly #control: ControlChannel;
  readonly #serving: ServedTasksOptions;
  readonly traits: QueueTraits;
  /** Workers that have not ended. */
  readonly #workers = new Set<ManagedWorker>();
  #hadWorker = false;
  #served = new Set<string>();
  #hasSent = false;
  #isChecked = false;
  #closing: Promise<void> | undefined;
  #isClosed = false;
  #hasEnded = false;

  constructor({ options, registry, hooks, middleware, events }: RuntimeOptions) {
    this.#options = options;
    this.#registry = registry;
    this.traits = new QueueTraits(registry, (task) => this.queueOf(task));
    this.#hooks = hooks;
    this.#events = events;
    const resolved = resolveConfig(options, readEnvironment());
    // No setting names a broker that is an object.
    const config = options.broker === undefined ? resolved : { ...resolved, brokerUrl: CUSTOM_BROKER_URL };
    this.config = config;
    this.clock = options.clock ?? systemClock;
    this.logger = withoutBindings(managerLogger(options.logger, options, config));
    this.broker = options.broker ?? this.#configuredBroker(config.brokerUrl);
    const { clock, logger, broker } = this;
    const { resultStore, store } = options;
    const makeBroker = (url: string) => this.#configuredBroker(url);
    this.stores = new Stores({ resultStore, store, config, broker, makeBroker });
    this.#control = new ControlChannel({ open: async () => (await this.openBroker()).signals, clock, logger });
    const all = [...telemetryMiddleware(options.telemetry ?? []), ...middleware];
    this.#serving = { registry, config, middleware: all, retryPolicy: options.retryPolicy };
    this.metrics = new ManagerMetrics({
      telemetry: options.telemetry ?? [],
      clock,
      logger,
      brokerKind: brokerKind(config.brokerUrl),
      openBroker: () => this.openBroker(),
      workers: this.#workers,
    });
    this.producer = new Producer({
      openBroker: () => this.#openForSending(),
      handles: {
        clock,
        logger,
        control: this.#control,
        broker: () => this.openBroker(),
        resultStore: () => this.resultStore(),
      },
      clock,
      logger,
      keepsResultsElsewhere: this.stores.keepsResultsElsewhere,
      limits: registry.limits,
      needLimitStore: this.needLimitStore,
      defaultQueue: config.queueName,
      defaultTimeoutMs: config.timeoutMs,
      defaultMaxRetries: config.maxRetries,
      keyTtlMs: config.idempotencyTtlMs,
      records: (need) => this.stores.require('records', need),
      maxPayload: config.maxPayload,
      sendTimeoutMs: config.sendTimeoutMs,
      middleware: all,
      stats: this.metrics.sends,
    });
  }

  get mode(): RunMode {
    const { serviceType } = this.config;
    if (this.#options.runMode !== undefined) return this.#options.runMode;
    if (serviceType !== undefined) return serviceType === 'api' ? 'producer' : 'worker';
    return this.#hadWorker ? 'worker' : 'producer';
  }

  queueOf(definition: TaskDefinition): string {
    return definition.queueName ?? this.config.queueName;
  }

  maxRetriesOf(definition: TaskDefinition): number {
    return definition.maxRetries ?? this.config.maxRetries;
  }

  /** Whether everything that this runtime opened is closed. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** @throws ConfigError (`FEATURES_MISSING`) at the first call, if the broker cannot do what the application needs */
  readonly openBroker = async (): Promise<Broker> => {
    if (this.#isClosed) throw managerClosed();
    return this.#openChecked();
  };

  async resultStore(): Promise<ResultStore | undefined> {
    if (this.#isClosed) throw managerClosed();
    return this.stores.openResults();
  }

  /** @throws ConfigError in a process that was set to only send, and for invalid options */
  createWorker(options: WorkerOptions = {}): Worker {
    const { config } = this;
    if (this.#closing !== undefined) throw managerClosed();
    checkWorkerOptions(options);
    checkMayRun(this.#options.runMode ?? (config.serviceType === 'api' ? 'producer' : 'worker'));
    const queues = workerQueues(options.queues, config.queueName);
    const settings: TaskWorkerOptions = {
      id: options.workerId ?? `${hostname()}:${pid}:${messageId().slice(0, 8)}`,
      queues,
      strict: options.strict ?? false,
      concurrency: checkConcurrency(options.concurrency ?? config.maxWorkers),
      leaseMs: config.leaseMs,
      leaseThread: config.leaseThread,
      maxCrashes: config.maxCrashes,
      maxPayload: config.maxPayload,
      keyTtlMs: config.idempotencyTtlMs,
      shutdownTimeoutMs: config.shutdownTimeoutMs,
      storeTimeoutMs: config.sendTimeoutMs,
      clock: this.clock,
      logger: this.logger,
      hooks: this.#hooks,
      sinks: this.metrics.sinks,
      calls: this.metrics.calls,
      control: this.#control,
      managerEvents: this.#events,
      dependencies: () => this.#dependencies(queues),
    };
    for (const queue of queues.keys()) this.#served.add(queue);
    const hooks = {
      beforeStop: () => {
        // If there are several workers, a handler may stop another one than its own.
        if (this.#workers.size === 1) noteStopInHandler('worker.stop()', this.#registry, this.logger);
      },
      onStarted: (started: ManagedWorker) =>
        void warnOfDeadLetters(started, this.traits.withLanes(queues.keys()), this),
      onEnded: (ended: ManagedWorker) => {
        if (this.#workers.delete(ended)) this.metrics.retire(ended);
      },
    };
    const worker = new ManagedWorker(settings, hooks, this.metrics);
    this.#workers.add(worker);
    this.#hadWorker = true;
    return worker;
  }

  /** Closes everything. @throws the first error, after everything else was closed */
  close(): Promise<void> {
    if (this.#workers.size > 0) noteStopInHandler('TaskManager.close()', this.#registry, this.logger);
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const ended: PromiseSettledResult<unknown>[] = [];
    if (this.#workers.size > 0)
      ended.push(...(await Promise.allSettled([...this.#workers].map((worker) => worker.stop()))));
    // Not before: handlers may still have sent messages, and asked for results.
    this.#isClosed = true;
    await this.producer.close();
    await this.#control.close();
    ended.push(...(await Promise.allSettled([this.broker, this.stores].map(async (each) => each.close()))));
    this.metrics.close();
    this.#hasEnded = true;
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
  }

  #configuredBroker(url: string): Broker {
    const { logger, clock } = this;
    return configuredBroker(url, this.config, {
      logger,
      clock,
      knownQueues: () => this.traits.knownQueues(this.#served),
    });
  }

  /** Also while the manager closes: messages that were sent before are stored. */
  async #openForSending(): Promise<Broker> {
    const broker = await this.#openChecked();
    if (!this.#hasSent && !broker.capabilities.persistent && this.#workers.size === 0) {
      this.logger.warn(
        'this message will not run: the memory broker is private to this process, which has no worker; set TASK_BROKER_URL',
      );
    }
    this.#hasSent = true;
    return broker;
  }

  async #openChecked(): Promise<Broker> {
    const broker = await openBroker(this.broker);
    if (this.#isChecked) return broker;
    await this.#checkFeatures(broker);
    this.#isChecked = true;
    return broker;
  }

  #checkFeatures(broker: Broker): Promise<void> {
    const tasks = this.#registry.all();
    return checkFeatures({ broker, config: this.config, tasks, stores: this.stores });
  }

  /**
   * Checks that the broker can do what the application needs, without a connection.
   * @throws ConfigError (`FEATURES_MISSING`)
   */
  async checkTasks(): Promise<void> {
    await this.#checkFeatures(await this.openBroker());
  }

  async #dependencies(queues: ReadonlyMap<string, number>): Promise<WorkerDependencies> {
    const broker = await this.openBroker();
    const keepsResults = this.#registry.all().some(({ resultTtlMs }) => resultTtlMs !== undefined);
    const resultStore = keepsResults ? await this.resultStore() : undefined;
    const tasks = new ServedTasks(this.#serving, resultStore);
    this.#checkAtStart(broker, queues, tasks);
    return {
      broker,
      resultStore,
      progressStore: () => this.resultStore(),
      records: (need) => this.stores.require('records', need),
      taskFor: (name) => tasks.get(name),
      limits: this.#registry.limits,
      limitStore: await limitStoreFor(broker, this.stores, tasks.all(), queues, this.#registry.limits),
      largestBatch: this.traits.largestBatch,
      hasPriorities: this.traits.hasPriorities,
    };
  }

  #checkAtStart(broker: Broker, queues: ReadonlyMap<string, number>, tasks: ServedTasks): void {
    const isServed = (definition: TaskDefinition) => this.#served.has(this.queueOf(definition));
    const all = tasks.all();
    const unserved = all.filter(({ definition }) => !isServed(definition)).map(({ definition }) => definition);
    warnOfUnservedTasks(unserved, queues, this);
    checkServed(
      broker,
      all.filter(({ definition }) => isServed(definition)),
    );
  }
}
