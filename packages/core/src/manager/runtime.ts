import { hostname } from 'node:os';
import { pid } from 'node:process';
import type { Logger } from 'pino';
import type { Broker } from '../broker/broker.ts';
import { checkDemands } from '../broker/task-demands.ts';
import type { ResultStore } from '../broker/result-store.ts';
import type { Clock } from '../clock/clock.ts';
import { systemClock } from '../clock/system-clock.ts';
import { configuredBroker } from '../config/configured-broker.ts';
import { managerLogger } from '../config/default-logger.ts';
import { readEnvironment } from '../config/env-file.ts';
import { openBroker } from '../config/lazy-broker.ts';
import { resolveConfig, type TaskConfig } from '../config/task-config.ts';
import { ConfigError, UnsupportedFeatureError } from '../errors/errors.ts';
import type { Hooks } from '../worker/hooks.ts';
import { withoutBindings } from '../logging/create-logger.ts';
import { messageId } from '../message/message-id.ts';
import type { Middleware } from '../middleware/middleware.ts';
import { managerClosed } from '../producer/manager-closed.ts';
import { Producer } from '../producer/producer.ts';
import type { TaskDefinition } from '../task/task-definition.ts';
import type { RegisteredTask, TaskRegistry } from '../task/task-registry.ts';
import type { WorkerDependencies, TaskWorkerOptions } from '../worker/task-worker.ts';
import type { Worker, WorkerOptions } from '../worker/worker.ts';
import { checkConcurrency, checkWorkerOptions, workerQueues } from '../worker/worker-options.ts';
import type { RunnableTask } from '../worker/runnable-task.ts';
import { ManagedWorker } from './managed-worker.ts';
import type { ManagerOptions, RunMode } from './manager-options.ts';
import type { TaskHost } from './task-calls.ts';
import { noteStopInHandler } from './note-stop-in-handler.ts';
import { warnOfDeadLetters, warnOfUnservedTasks } from './start-warnings.ts';
import { workerTask } from './worker-tasks.ts';

export interface RuntimeOptions {
  readonly options: ManagerOptions;
  readonly registry: TaskRegistry;
  readonly hooks: Hooks;
  readonly middleware: readonly Middleware[];
}

/** What a manager is once it is used: settings are read, and the objects they describe are made. */
export class Runtime implements TaskHost {
  readonly config: TaskConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly broker: Broker;
  readonly producer: Producer;
  readonly #options: ManagerOptions;
  readonly #registry: TaskRegistry;
  readonly #hooks: Hooks;
  readonly #middleware: readonly Middleware[];
  /** Those that have not ended. */
  readonly #workers = new Set<ManagedWorker>();
  #hadWorker = false;
  #served = new Set<string>();
  #resultBroker: Broker | undefined;
  #hasSent = false;
  #closing: Promise<void> | undefined;
  #isClosed = false;
  #hasEnded = false;

  constructor({ options, registry, hooks, middleware }: RuntimeOptions) {
    this.#options = options;
    this.#registry = registry;
    this.#hooks = hooks;
    this.#middleware = middleware;
    this.config = resolveConfig(options, readEnvironment());
    this.clock = options.clock ?? systemClock;
    const logger = managerLogger(options.logger, options, this.config);
    this.logger = withoutBindings(logger);
    this.broker = options.broker ?? this.#configuredBroker(this.config.brokerUrl);
    this.producer = new Producer({
      openBroker: () => this.#openForSending(),
      resultStore: () => this.resultStore(),
      clock: this.clock,
      logger: this.logger,
      keepsResultsElsewhere: this.#keepsResultsElsewhere(),
      defaultQueue: this.config.queueName,
      defaultTimeoutMs: this.config.timeoutMs,
      defaultMaxRetries: this.config.maxRetries,
      maxPayload: this.config.maxPayload,
      sendTimeoutMs: this.config.sendTimeoutMs,
      middleware,
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

  /** Whether everything it opened is closed. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  async openBroker(): Promise<Broker> {
    if (this.#isClosed) throw managerClosed();
    return openBroker(this.broker);
  }

  /** The store that `TASK_RESULT_URL` names, else the broker, where it is one. */
  async resultStore(): Promise<ResultStore | undefined> {
    if (this.#isClosed) throw managerClosed();
    if (this.#options.resultStore !== undefined) return this.#options.resultStore;
    const { resultUrl } = this.config;
    if (resultUrl === undefined || !this.#keepsResultsElsewhere()) {
      return (await this.openBroker()).results;
    }
    this.#resultBroker ??= this.#configuredBroker(resultUrl);
    const { results } = await openBroker(this.#resultBroker);
    if (results !== undefined) return results;
    throw new UnsupportedFeatureError(
      'TASK_RESULT_URL: this broker keeps no results; name one that does, such as redis://',
      {
        code: 'RESULT_STORE_MISSING',
      },
    );
  }

  /** @throws ConfigError in a process that was set to be a producer, and for wrong options */
  createWorker(options: WorkerOptions = {}): Worker {
    const { config } = this;
    if (this.#closing !== undefined) throw managerClosed();
    checkWorkerOptions(options);
    if ((this.#options.runMode ?? (config.serviceType === 'api' ? 'producer' : 'worker')) === 'producer') {
      throw new ConfigError(
        'this process was set to be a producer (runMode, or SERVICE_TYPE=api); a worker belongs into another process',
        {
          code: 'WORKER_IN_PRODUCER',
        },
      );
    }
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
      shutdownTimeoutMs: config.shutdownTimeoutMs,
      storeTimeoutMs: config.sendTimeoutMs,
      clock: this.clock,
      logger: this.logger,
      hooks: this.#hooks,
      dependencies: () => this.#dependencies(queues),
    };
    for (const queue of queues.keys()) this.#served.add(queue);
    const worker = new ManagedWorker(settings, {
      beforeStop: () => {
        // Of several workers, a handler may stop another than its own.
        if (this.#workers.size === 1) noteStopInHandler('worker.stop()', this.#registry, this.logger);
      },
      onEnded: (ended) => void this.#workers.delete(ended),
    });
    this.#workers.add(worker);
    this.#hadWorker = true;
    return worker;
  }

  /** @throws the first failure, once everything is closed that can be */
  close(): Promise<void> {
    if (this.#workers.size > 0) noteStopInHandler('TaskManager.close()', this.#registry, this.logger);
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const ended: PromiseSettledResult<unknown>[] = [];
    if (this.#workers.size > 0)
      ended.push(...(await Promise.allSettled([...this.#workers].map((worker) => worker.stop()))));
    // Not before: what still ran may have sent, and asked for results.
    this.#isClosed = true;
    await this.producer.close();
    const brokers = [this.broker, this.#resultBroker];
    ended.push(...(await Promise.allSettled(brokers.map(async (broker) => broker?.close()))));
    this.#hasEnded = true;
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
  }

  #keepsResultsElsewhere(): boolean {
    const { resultUrl, brokerUrl } = this.config;
    return this.#options.resultStore !== undefined || (resultUrl !== undefined && resultUrl !== brokerUrl);
  }

  #configuredBroker(url: string): Broker {
    const { logger, clock } = this;
    return configuredBroker(url, this.config, { logger, clock, knownQueues: () => this.#knownQueues() });
  }

  #knownQueues(): readonly string[] {
    return [...new Set([...this.#registry.all().map(({ definition }) => this.queueOf(definition)), ...this.#served])];
  }

  /** Also while it closes: what was sent before that is stored. */
  async #openForSending(): Promise<Broker> {
    const broker = await openBroker(this.broker);
    if (!this.#hasSent && !broker.capabilities.persistent && this.#workers.size === 0) {
      this.logger.warn(
        'sending to a broker that lives in this process, and no worker does: nobody will run it; set TASK_BROKER_URL',
      );
    }
    this.#hasSent = true;
    return broker;
  }

  /**
   * Checks every task as a worker does at its start, without a connection.
   * @throws ConfigError, UnsupportedFeatureError
   */
  async checkTasks(): Promise<void> {
    const broker = await this.openBroker();
    const tasks = this.#registry.all().map(({ definition }) => definition);
    const resultStore = await this.#resultStoreOf(tasks);
    for (const definition of tasks) {
      const { timeoutMs, maxRetries } = this.#workerTask(definition, resultStore);
      checkDemands(broker.capabilities, definition.name, timeoutMs, maxRetries);
    }
  }

  async #dependencies(queues: ReadonlyMap<string, number>): Promise<WorkerDependencies> {
    const broker = await this.openBroker();
    const runnable = this.#registry.all().filter((registered) => this.#mayRun(registered));
    const definitions = runnable.map(({ definition }) => definition);
    const resultStore = await this.#resultStoreOf(definitions);
    const made = new Map<TaskDefinition, RunnableTask>();
    const taskOf = (definition: TaskDefinition): RunnableTask => {
      const known = made.get(definition);
      if (known !== undefined) return known;
      const task = this.#workerTask(definition, resultStore);
      made.set(definition, task);
      return task;
    };
    this.#checkAtStart(broker, queues, definitions.map(taskOf));
    await warnOfDeadLetters(broker, queues, this);
    return {
      broker,
      resultStore,
      taskFor: (name) => {
        const registered = this.#registry.get(name);
        return registered === undefined || !this.#mayRun(registered) ? undefined : taskOf(registered.definition);
      },
    };
  }

  /** The store for the results of these tasks, if one of them keeps its result. */
  async #resultStoreOf(tasks: readonly TaskDefinition[]): Promise<ResultStore | undefined> {
    return tasks.some(({ resultTtlMs }) => resultTtlMs !== undefined) ? this.resultStore() : undefined;
  }

  #workerTask(definition: TaskDefinition, resultStore: ResultStore | undefined): RunnableTask {
    const { retryPolicy } = this.#options;
    return workerTask(definition, { config: this.config, middleware: this.#middleware, resultStore, retryPolicy });
  }

  #mayRun({ workerOnly }: RegisteredTask): boolean {
    return !workerOnly || this.mode === 'worker';
  }

  #checkAtStart(broker: Broker, queues: ReadonlyMap<string, number>, tasks: readonly RunnableTask[]): void {
    const isServed = ({ definition }: RunnableTask) => this.#served.has(this.queueOf(definition));
    warnOfUnservedTasks(
      tasks.filter((task) => !isServed(task)).map(({ definition }) => definition),
      queues,
      this,
    );
    for (const { definition, timeoutMs, maxRetries } of tasks.filter(isServed)) {
      checkDemands(broker.capabilities, definition.name, timeoutMs, maxRetries);
    }
  }
}
