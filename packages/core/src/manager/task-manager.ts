import type { Logger } from 'pino';
import type { Broker } from '../broker/broker.ts';
import type { RecordStore } from '../broker/record-store.ts';
import type { Clock } from '../clock/clock.ts';
import { type LivingWorker, livingWorkers } from '../control/living-workers.ts';
import { QueueControl } from '../control/queue-control.ts';
import { WorkerControl } from '../control/worker-control.ts';
import type { TaskConfig } from '../config/task-config.ts';
import { ConfigError } from '../errors/errors.ts';
import { shown } from '../errors/kind-of.ts';
import { claimOnlyCopy } from '../errors/only-copy.ts';
import type { MetricFamily } from '../metrics/metric-family.ts';
import { type MetricsFormat, writeMetrics } from '../metrics/write-metrics.ts';
import { checkMiddleware } from '../middleware/check-middleware.ts';
import type { Middleware } from '../middleware/middleware.ts';
import { failCurrentTask } from '../task/current-task.ts';
import type { TaskContext } from '../task/task-context.ts';
import { EventEmitter } from '../worker/event-emitter.ts';
import { type Hook, Hooks } from '../worker/hooks.ts';
import type { Worker, WorkerEvents, WorkerOptions } from '../worker/worker.ts';
import type { ManagerOptions, RunMode } from './manager-options.ts';
import { ManagerLimits } from './manager-limits.ts';
import { managerOf } from './manager-tasks.ts';
import { queuePorts } from './queue-ports.ts';
import { Runtime } from './runtime.ts';
import { RuntimeSlot } from './runtime-slot.ts';

const instances = new Map<string, TaskManager>();

/**
 * An application defines its tasks, sends them and creates workers with a task manager. Nothing is read, opened or
 * connected before it is needed.
 *
 * @example
 * const tm = TaskManager.getInstance();
 * export const charge = tm.task({ name: 'charge' }, async (orderId: string) => {});
 * await charge.send('o-1');
 */
export class TaskManager extends ManagerLimits {
  readonly name: string;
  readonly #hooks = new Hooks();
  readonly #middleware: Middleware[] = [];
  readonly #slot: RuntimeSlot;

  private constructor(name: string) {
    const events = new EventEmitter<WorkerEvents>((event, error) =>
      this.logger.error({ error, event }, 'a listener failed'),
    );
    super(events, () => this.#slot.active(), {
      broker: () => this.broker(),
      store: () => this.#slot.active().needLimitStore(),
    });
    this.name = name;
    const own = { registry: this.registry, hooks: this.#hooks, middleware: this.#middleware, events };
    this.#slot = new RuntimeSlot(name, (options) => new Runtime({ options, ...own }));
  }

  /**
   * Returns the manager of this name: the same one at each call, independent of managers with other names.
   * @throws ConfigError (`MANAGER_NAME_INVALID`) if the name is not a string, or empty
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

  /** Every manager that `getInstance` has returned. */
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
   * process.on('unhandledRejection', (error) => logger.error(TaskManager.failCurrentTask(error)?.name));
   */
  static failCurrentTask(error: unknown): TaskContext | undefined {
    return failCurrentTask(error);
  }

  /** Returns the manager of a task. @throws ConfigError (`NO_TASK`) if `task` is not a task */
  static of(task: object): TaskManager {
    const manager = managerOf(task);
    if (manager instanceof TaskManager) return manager;
    claimOnlyCopy();
    throw new ConfigError('this is not a task of a TaskManager; pass what tm.task() returned', { code: 'NO_TASK' });
  }

  /**
   * Sets options; each wins over its environment variable. Opens nothing. A further call adds to the first one. After
   * `close()` it opens the manager again.
   * @throws ConfigError listing every invalid value, or if the manager was used before and is not closed
   * @example
   * await tm.initialize({ brokerUrl: 'redis://localhost:6379', maxRetries: 5 });
   */
  async initialize(options: ManagerOptions = {}): Promise<this> {
    await this.#slot.closed();
    return this.configure(options);
  }

  /** Does the same synchronously, for code that cannot wait. */
  configure(options: ManagerOptions): this {
    this.#slot.configure(options);
    return this;
  }

  /**
   * Creates a worker; `start()` starts it.
   * @throws ConfigError for invalid options, and in a process that only sends
   * @example
   * await tm.createWorker({ concurrency: 10 }).start();
   */
  createWorker(options?: WorkerOptions): Worker {
    return this.#slot.active().createWorker(options);
  }

  /**
   * Adds middleware, before the first send or worker. The first one is the outermost.
   * @throws ConfigError after that, and while a test holds the manager (`INITIALIZED_TOO_LATE`)
   * @throws ConfigError if it has no name, or neither `send` nor `handle` (`MIDDLEWARE_INVALID`)
   * @example
   * tm.use({ name: 'timing', handle: async (context, next) => timed(context.task.name, next) });
   */
  use(middleware: Middleware): this {
    checkMiddleware(middleware);
    this.#slot.checkUnused(`middleware ${middleware.name}`);
    this.#middleware.push(middleware);
    return this;
  }

  /**
   * Adds a hook that a worker awaits before it fetches. Its error ends the start.
   * @throws ConfigError (`HOOK_INVALID`)
   * @example
   * tm.onStart(async () => database.connect());
   */
  onStart(hook: Hook): this {
    this.#hooks.onStart(hook);
    return this;
  }

  /** Adds a hook that a worker awaits after it has stopped, the last one first. @throws ConfigError (`HOOK_INVALID`) */
  onStop(hook: Hook): this {
    this.#hooks.onStop(hook);
    return this;
  }

  /**
   * A queue of the running system: pause, resume, count and purge it, from any process.
   * @throws ConfigError for a name that is not a queue name
   * @example
   * await tm.queue('emails').pause();
   */
  queue(name: string): QueueControl {
    return new QueueControl(
      name,
      queuePorts(() => this.#slot.active()),
    );
  }

  /**
   * Metrics of this process as text for Prometheus: its sends and its workers. See docs/monitoring.md. It asks no broker:
   * await `worker.health()` before, so that `brokkr_broker_up` is right for an idle worker.
   */
  metrics(format: MetricsFormat = 'text'): string {
    return writeMetrics(this.metricFamilies(), format);
  }

  /**
   * The same as data; empty before the first send or worker.
   * @param which `counters` leaves out gauges, and does not count as a scrape: the loop delay is measured on. @default 'all'
   */
  metricFamilies(which: 'all' | 'counters' = 'all'): readonly MetricFamily[] {
    return this.#slot.made?.metrics.families(which) ?? [];
  }

  /**
   * Reports of the living workers of every host: id, host, pid, queues, slots, running tasks and counts.
   * @throws UnsupportedFeatureError (`WORKERS_UNSUPPORTED`) if the broker keeps no reports; BrokerUnavailableError
   */
  async workers(): Promise<readonly LivingWorker[]> {
    return livingWorkers(await this.broker());
  }

  /**
   * A living worker, in any process: let it take no more messages, and take them again.
   * @param id as in `workers()`
   * @throws ConfigError (`WORKER_UNKNOWN`) if it is not a string of 1 to 200 characters
   * @example
   * await tm.worker('web1:4711:UeB9kQ2x').quiet();
   */
  worker(id: string): WorkerControl {
    return new WorkerControl(id, { broker: () => this.broker(), clock: this.clock });
  }

  /** The settings in use. @throws ConfigError listing every invalid value */
  get config(): TaskConfig {
    return this.#slot.active().config;
  }

  /** The clock of this manager: the system's, or that of a test. */
  get clock(): Clock {
    return this.#slot.active().clock;
  }

  get logger(): Logger {
    return this.#slot.active().logger;
  }

  get runMode(): RunMode {
    return this.#slot.active().mode;
  }

  /**
   * Loads the adapter of the broker and returns the broker. Its server is not connected to.
   * @throws ConfigError for invalid settings, (`ADAPTER_NOT_INSTALLED`) if the adapter is not installed,
   * (`FEATURES_MISSING`) if the broker cannot do what `requires` and the tasks need
   */
  async broker(): Promise<Broker> {
    return this.#slot.active().openBroker();
  }

  /**
   * Opens the store that keeps the keys of unique and debounced messages: the broker, or that of `TASK_STORE_URL`. For
   * tools such as a dashboard.
   * @returns `undefined` if neither keeps records
   * @throws ConfigError as `broker`, and for a store whose adapter is not installed
   */
  async records(): Promise<RecordStore | undefined> {
    const runtime = this.#slot.active();
    await runtime.openBroker();
    return runtime.stores.open('records');
  }

  /**
   * Checks again, without a connection, that the broker can do everything that `requires` and the options of every task
   * need. `brokkr doctor` calls it.
   * @throws ConfigError (`FEATURES_MISSING`) listing what the broker cannot do, and what to do about it
   */
  async checkTasks(): Promise<void> {
    await this.#slot.active().checkTasks();
  }

  /**
   * Stops the workers, waits for pending sends, and closes every connection, so that the process can end. Later calls
   * reject with `BROKER_CLOSED`, until `initialize` opens the manager again. Do not await it in a handler: it waits for
   * it.
   */
  async close(): Promise<void> {
    await this.#slot.close();
  }

  /**
   * Uses other settings until the returned function is called. For tests that need a broker and a clock of their own.
   * One test at a time can hold a manager.
   * @throws ConfigError (`MANAGER_OVERRIDDEN`) if another test holds it, and listing every invalid value
   */
  override(options: ManagerOptions): () => Promise<void> {
    return this.#slot.override(options);
  }
}
