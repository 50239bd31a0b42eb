import type { Logger } from 'pino';
import type { Broker } from '../broker/broker.ts';
import type { Clock } from '../clock/clock.ts';
import type { TaskConfig } from '../config/task-config.ts';
import { ConfigError } from '../errors/errors.ts';
import { shown } from '../errors/kind-of.ts';
import { claimOnlyCopy } from '../errors/only-copy.ts';
import { type Hook, Hooks } from '../worker/hooks.ts';
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
 * Where an application defines its tasks, sends them and creates workers: a thin façade over the objects that
 * settings describe. Nothing is read, opened or connected before it is needed.
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
  /** Stands in front of the real one while a test holds the manager. */
  #override: Runtime | undefined;

  private constructor(name: string) {
    this.name = name;
  }

  /**
   * The manager of that name: the same one at each call, independent of those of other names.
   * @throws ConfigError where the name is no text, or empty
   */
  static getInstance(name = 'default'): TaskManager {
    const known = instances.get(name);
    if (known !== undefined) return known;
    if (typeof name !== 'string' || name === '') {
      throw new ConfigError(`getInstance: the name of a manager is a text, got ${shown(name)}`, {
        code: 'MANAGER_NAME_INVALID',
      });
    }
    claimOnlyCopy();
    const manager = new TaskManager(name);
    instances.set(name, manager);
    return manager;
  }

  /** Every manager asked for so far. */
  static all(): readonly TaskManager[] {
    claimOnlyCopy();
    return [...instances.values()];
  }

  /**
   * Fails the run that the calling code belongs to, because nothing caught `error`: its attempt counts as failed, whatever
   * its handler returns. For listeners of `uncaughtException` and `unhandledRejection`, as `brokkr worker` has them.
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

  /** @throws ConfigError where `task` is none */
  static of(task: object): TaskManager {
    const manager = managers.get(task);
    if (manager !== undefined) return manager;
    claimOnlyCopy();
    throw new ConfigError('this is not a task of a TaskManager; pass what tm.task() returned', { code: 'NO_TASK' });
  }

  /**
   * Defines a task whose handler any worker of this manager runs.
   * @throws ConfigError naming the task and what is wrong with it
   */
  readonly task: DefineTask = (...given: unknown[]) => this.#define(given) as never;

  /**
   * The same as `task`, for code that comes from frameworks in which an API process must not register handlers. Here a
   * process runs handlers only in a worker, and a producer cannot create one.
   */
  readonly conditionalTask: DefineTask = this.task;

  /**
   * Sets what the environment does not say, or says otherwise. Opens nothing. A further call adds to the first. After
   * `close()` it opens the manager again.
   * @throws ConfigError listing every wrong value, or where the manager has been used already and is not closed
   */
  async initialize(options: ManagerOptions = {}): Promise<this> {
    // What is being closed is closed first; how that ends is told to whoever closes.
    if (this.#isClosed) await this.#runtime?.close().catch(() => undefined);
    return this.configure(options);
  }

  /** The same, at once: for places that cannot wait. */
  configure(options: ManagerOptions): this {
    if (this.#isInUse) {
      throw new ConfigError(
        'initialize() after the first send or worker: settings are fixed by then; call it earlier',
        {
          code: 'INITIALIZED_TOO_LATE',
        },
      );
    }
    this.#options = managerOptions(options, this.#isClosed ? this.#withoutBroker(options) : this.#options);
    this.#isClosed = false;
    this.#runtime = undefined;
    return this;
  }

  /** @throws ConfigError for wrong options, or in a process that was set to be a producer */
  createWorker(options?: WorkerOptions): Worker {
    return this.#active().createWorker(options);
  }

  /**
   * Adds middleware; the first one is the outermost. Before the first send or worker.
   * @throws ConfigError after that, and while a test holds the manager (`INITIALIZED_TOO_LATE`); where it has no name,
   * or neither `send` nor `handle` (`MIDDLEWARE_INVALID`)
   */
  use(middleware: Middleware): this {
    // A test that holds the manager has built its sending already, as the first send does.
    if (this.#isInUse || this.#override !== undefined) {
      const when = this.#override === undefined ? 'after the first send or worker' : 'while a test holds the manager';
      throw new ConfigError(`middleware ${middleware?.name} ${when}: some tasks would go without it; add it earlier`, {
        code: 'INITIALIZED_TOO_LATE',
      });
    }
    const { name, send, handle } = (middleware as Middleware | null) ?? {};
    const steps = [send, handle].filter((step) => step !== undefined);
    if (typeof name !== 'string' || steps.length === 0 || steps.some((step) => typeof step !== 'function')) {
      throw new ConfigError('middleware has a `name`, and a `send` or `handle` function', {
        code: 'MIDDLEWARE_INVALID',
      });
    }
    this.#middleware.push(middleware);
    return this;
  }

  /** Awaited before a worker fetches; what it throws ends the start. @throws ConfigError where it is no function */
  onStart(hook: Hook): this {
    this.#hooks.onStart(hook);
    return this;
  }

  /** Awaited after a worker has stopped, last one first. @throws ConfigError where it is no function */
  onStop(hook: Hook): this {
    this.#hooks.onStop(hook);
    return this;
  }

  /** The tasks defined so far. */
  tasks(): readonly TaskDefinition[] {
    return this.#registry.all();
  }

  /** The task of that name. */
  get(name: string): Task | undefined {
    return this.#tasks.get(name);
  }

  /** The settings in force. @throws ConfigError listing every wrong value */
  get config(): TaskConfig {
    return this.#active().config;
  }

  /** Where this manager gets its time from: the system's clock, or a test's. */
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
   * The broker, its adapter loaded; its server need not be there.
   * @throws ConfigError for wrong settings, and where the adapter is not installed
   */
  async broker(): Promise<Broker> {
    return this.#active().openBroker();
  }

  /**
   * Checks every task as a worker does at its start, without a connection: a task that keeps its result needs a store, and
   * the broker must be able to delay retries. `brokkr doctor` calls it.
   * @throws ConfigError, UnsupportedFeatureError for the first task that a worker would refuse
   */
  async checkTasks(): Promise<void> {
    await this.#active().checkTasks();
  }

  /**
   * Stops the workers, waits for pending sends, and closes every connection, so that the process can end. Later calls of
   * the manager reject with `BROKER_CLOSED`, until `initialize` opens it again. Do not await it inside a handler, for which
   * it waits.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#runtime?.close();
  }

  /**
   * Puts other settings in force until the function it resolves to is called: for tests, that want a broker and a
   * clock of their own without touching the application's. Nests no deeper than one.
   * @throws ConfigError where another test holds it (`MANAGER_OVERRIDDEN`), and listing every wrong value
   */
  override(options: ManagerOptions): () => Promise<void> {
    if (this.#override !== undefined) {
      throw new ConfigError(`task manager ${this.name} is held by another test; close that first`, {
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

  /** The options before a close. What it closed is of no use any more. */
  #withoutBroker(options: ManagerOptions): ManagerOptions {
    const { broker, ...kept } = this.#options;
    if (broker === undefined || this.#runtime === undefined) return this.#options;
    if (options?.broker === undefined && options?.brokerUrl === undefined) {
      throw new ConfigError('initialize() after close(): the broker given before was closed; give another', {
        code: 'BROKER_CLOSED',
      });
    }
    return kept;
  }

  #active(): Runtime {
    if (this.#override !== undefined) return this.#override;
    if (this.#runtime === undefined) {
      this.#runtime = this.#makeRuntime(this.#options);
      // Closed before it was used: it stays so.
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
