import type { Logger } from 'pino';
import type { Broker } from '../broker/broker.ts';
import type { Clock } from '../clock/clock.ts';
import type { TaskConfig } from '../config/task-config.ts';
import { ConfigError } from '../errors/errors.ts';
import { shown } from '../errors/kind-of.ts';
import { claimOnlyCopy } from '../errors/only-copy.ts';
import { type Hook, Hooks } from '../worker/hooks.ts';
import { checkMiddleware } from '../middleware/check-middleware.ts';
import type { Middleware } from '../middleware/middleware.ts';
import { failCurrentTask } from '../task/current-task.ts';
import type { DefineTask, Task, TaskOptions } from '../task/task.ts';
import type { TaskContext } from '../task/task-context.ts';
import { defineTask, type TaskDefinition } from '../task/task-definition.ts';
import { TaskRegistry } from '../task/task-registry.ts';
import type { Worker, WorkerOptions } from '../worker/worker.ts';
import { type ManagerOptions, managerOptions, type RunMode } from './manager-options.ts';
import { Runtime } from './runtime.ts';
import { makeTask } from './task-calls.ts';

const instances = new Map<string, TaskManager>();
const managers = new WeakMap<object, TaskManager>();

/**
 * Defines the tasks of an application, sends them, and creates workers. It does not read settings, open adapters or
 * connect before they are needed.
 * @example
 * const tm = TaskManager.getInstance();
 * const email = tm.task({ name: 'email' }, async (to: string) => deliver(to));
 * await email.send('ada@example.com');
 */
export class TaskManager {
  readonly name: string;
  readonly #registry = new TaskRegistry();
  readonly #hooks = new Hooks();
  readonly #middleware: Middleware[] = [];
  readonly #tasks = new Map<string, Task>();
  #options: ManagerOptions = {};
  #runtime: Runtime | undefined;
  #isClosed = false;
  /** The runtime of a test, used instead of the real one until the test ends. */
  #override: Runtime | undefined;

  private constructor(name: string) {
    this.name = name;
  }

  /**
   * Returns the manager with this name, and creates it at the first call. Managers with other names are independent.
   * @param name name of the manager; `default` by default
   * @throws ConfigError (`MANAGER_NAME_INVALID`) if the name is empty or not a string
   * @throws ConfigError (`CORE_LOADED_TWICE`) if another copy of this package is in use
   */
  static getInstance(name = 'default'): TaskManager {
    const known = instances.get(name);
    if (known !== undefined) return known;
    if (typeof name !== 'string' || name === '') {
      throw new ConfigError(`getInstance: the name must be a string that is not empty; got ${shown(name)}`, {
        code: 'MANAGER_NAME_INVALID',
      });
    }
    claimOnlyCopy();
    const manager = new TaskManager(name);
    instances.set(name, manager);
    return manager;
  }

  /** Returns all managers that `getInstance` has created. */
  static all(): readonly TaskManager[] {
    claimOnlyCopy();
    return [...instances.values()];
  }

  /**
   * Fails the run that the calling code belongs to, because nothing caught `error`: its attempt counts as failed,
   * whatever its handler returns. For listeners of `uncaughtException` and `unhandledRejection`, such as those of
   * `brokkr worker`.
   *
   * @returns the run; `undefined` outside a run
   * @example
   * process.on('unhandledRejection', (error) => {
   *   logger.fatal({ error, task: TaskManager.failCurrentTask(error)?.name }, 'nothing caught an error');
   * });
   */
  static failCurrentTask(error: unknown): TaskContext | undefined {
    return failCurrentTask(error);
  }

  /** Returns the manager of a task. @throws ConfigError (`NO_TASK`) if `task` is not a task */
  static of(task: object): TaskManager {
    const manager = managers.get(task);
    if (manager !== undefined) return manager;
    claimOnlyCopy();
    throw new ConfigError('this is not a task of a TaskManager; pass what tm.task() returned', { code: 'NO_TASK' });
  }

  /**
   * Defines a task. Every worker of this manager can run its handler.
   * @throws ConfigError with the name of the task and the invalid option
   * @example
   * const email = tm.task({ name: 'email', maxRetries: 5 }, async (to: string) => deliver(to));
   * await email.send('ada@example.com');
   */
  readonly task: DefineTask = (...given: unknown[]) => this.#define(given) as never;

  /** The same as `task`. Some frameworks need another call in a process that must not run handlers; Brokkr does not. */
  readonly conditionalTask: DefineTask = this.task;

  /**
   * Sets options. They take precedence over the environment. It connects to nothing. Another call adds to the options
   * of the first. After `close()` it opens the manager again.
   * @throws ConfigError (`SETTINGS_INVALID`) with every invalid value
   * @throws ConfigError (`INITIALIZED_TOO_LATE`) after the first send or worker, unless the manager is closed
   * @example
   * await tm.initialize({ brokerUrl: 'redis://localhost:6379', maxRetries: 5 });
   */
  async initialize(options: ManagerOptions = {}): Promise<this> {
    // A close in progress ends first. Its error is thrown to the caller of `close`.
    if (this.#isClosed) await this.#runtime?.close().catch(() => undefined);
    return this.configure(options);
  }

  /** Does the same as `initialize`, synchronously, for code that cannot await. @throws as `initialize` */
  configure(options: ManagerOptions): this {
    if (this.#isInUse) {
      throw new ConfigError('initialize() after the first send or worker: settings cannot change; call it earlier', {
        code: 'INITIALIZED_TOO_LATE',
      });
    }
    this.#options = managerOptions(options, this.#isClosed ? this.#withoutBroker(options) : this.#options);
    this.#isClosed = false;
    this.#runtime = undefined;
    return this;
  }

  /**
   * Creates a worker. It runs tasks after its `start()`.
   * @throws ConfigError for an invalid option
   * @throws ConfigError (`WORKER_IN_PRODUCER`) in a process that is set to only send
   * @example
   * const worker = tm.createWorker({ concurrency: 10 });
   * await worker.start();
   */
  createWorker(options?: WorkerOptions): Worker {
    return this.#active().createWorker(options);
  }

  /**
   * Adds middleware. The first one is the outermost. Call it before the first send or worker.
   * @throws ConfigError (`INITIALIZED_TOO_LATE`) after the first send or worker, and while a test app uses the manager
   * @throws ConfigError (`MIDDLEWARE_INVALID`) if it has no name, or neither `send` nor `handle`
   * @example
   * tm.use({ name: 'timing', handle: async (context, next) => timed(context.task.name, next) });
   */
  use(middleware: Middleware): this {
    // A test app has built its sending already, as the first send does.
    if (this.#isInUse || this.#override !== undefined) {
      const when =
        this.#override === undefined ? 'after the first send or worker' : 'while a test app uses the manager';
      throw new ConfigError(`middleware ${middleware?.name} ${when}: some tasks would run without it; add it earlier`, {
        code: 'INITIALIZED_TOO_LATE',
      });
    }
    checkMiddleware(middleware);
    this.#middleware.push(middleware);
    return this;
  }

  /**
   * Adds a function that is awaited before a worker fetches. If it throws, the start of the worker fails.
   * @throws ConfigError if it is not a function
   * @example
   * tm.onStart(async () => database.connect());
   */
  onStart(hook: Hook): this {
    this.#hooks.onStart(hook);
    return this;
  }

  /** Adds a function that is awaited after a worker has stopped, the last one first. @throws as `onStart` */
  onStop(hook: Hook): this {
    this.#hooks.onStop(hook);
    return this;
  }

  /** Returns the tasks that are defined so far. */
  tasks(): readonly TaskDefinition[] {
    return this.#registry.all();
  }

  /** Returns the task with this name, if it is defined. */
  get(name: string): Task | undefined {
    return this.#tasks.get(name);
  }

  /** The resolved settings. @throws ConfigError (`SETTINGS_INVALID`) with every invalid value */
  get config(): TaskConfig {
    return this.#active().config;
  }

  /** The source of time: the system's clock, or that of a test. */
  get clock(): Clock {
    return this.#active().clock;
  }

  get logger(): Logger {
    return this.#active().logger;
  }

  get runMode(): RunMode {
    return this.#active().mode;
  }

  /**
   * Returns the broker, with its adapter loaded. The server need not be reachable.
   * @throws ConfigError for invalid settings, and if the adapter is not installed
   */
  async broker(): Promise<Broker> {
    return this.#active().openBroker();
  }

  /**
   * Checks every task as a worker does at its start, without a connection: a task that keeps its result needs a store,
   * and the broker must be able to delay retries. `brokkr doctor` calls it.
   * @throws ConfigError, UnsupportedFeatureError for the first task that a worker would refuse
   */
  async checkTasks(): Promise<void> {
    await this.#active().checkTasks();
  }

  /**
   * Stops the workers, waits for pending sends, and closes every connection, so that the process can end. Later calls
   * reject with `BROKER_CLOSED`, until `initialize` opens the manager again. Do not await it in a handler: it waits for
   * it.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#runtime?.close();
  }

  /**
   * Uses other settings until the returned function is called. Tests get their own broker and clock, and the settings
   * of the application do not change. Calls cannot be nested.
   * @throws ConfigError (`MANAGER_OVERRIDDEN`) if another test uses the manager; (`SETTINGS_INVALID`)
   */
  override(options: ManagerOptions): () => Promise<void> {
    if (this.#override !== undefined) {
      throw new ConfigError(`task manager ${this.name} is in use by another test; close that first`, {
        code: 'MANAGER_OVERRIDDEN',
      });
    }
    const runtime = this.#makeRuntime(managerOptions(options));
    this.#override = runtime;
    return async () => {
      if (this.#override === runtime) this.#override = undefined;
      await runtime.close();
    };
  }

  get #isInUse(): boolean {
    return this.#runtime !== undefined && !this.#runtime.hasEnded;
  }

  /** The options from before the close, without the broker, which is closed. */
  #withoutBroker(options: ManagerOptions): ManagerOptions {
    const { broker, ...kept } = this.#options;
    if (broker === undefined || this.#runtime === undefined) return this.#options;
    if (options?.broker === undefined && options?.brokerUrl === undefined) {
      throw new ConfigError('initialize() after close(): the broker of the last call is closed; give another one', {
        code: 'BROKER_CLOSED',
      });
    }
    return kept;
  }

  #active(): Runtime {
    if (this.#override !== undefined) return this.#override;
    if (this.#runtime === undefined) {
      this.#runtime = this.#makeRuntime(this.#options);
      // A manager that was closed before its first use stays closed.
      if (this.#isClosed) this.#runtime.close().catch(() => undefined);
    }
    return this.#runtime;
  }

  #makeRuntime(options: ManagerOptions): Runtime {
    return new Runtime({ options, registry: this.#registry, hooks: this.#hooks, middleware: this.#middleware });
  }

  #define(given: readonly unknown[]): Task {
    const [options = {}, handler] = given.length > 1 ? given : [{}, given[0]];
    const definition = defineTask(options as TaskOptions, handler);
    this.#registry.add(definition);
    const task = makeTask(definition, () => this.#active());
    this.#tasks.set(definition.name, task);
    managers.set(task, this);
    return task;
  }
}
