import type { Broker } from '../broker/broker.ts';
import type { LimitStore } from '../broker/limit-store.ts';
import type { ResultStore } from '../broker/result-store.ts';
import { checkDemands } from '../broker/task-demands.ts';
import type { TaskConfig } from '../config/task-config.ts';
import { checkLimitDelays } from '../limits/check-limit-delays.ts';
import type { LimitRegistry } from '../limits/limit-registry.ts';
import type { Middleware } from '../middleware/middleware.ts';
import type { RetryPolicy } from '../retry/retry-policy.ts';
import type { TaskDefinition } from '../task/task-definition.ts';
import type { TaskRegistry } from '../task/task-registry.ts';
import type { RunnableTask } from '../worker/runnable-task.ts';
import type { Stores } from './stores.ts';
import { workerTask } from './worker-tasks.ts';

export interface ServedTasksOptions {
  readonly registry: TaskRegistry;
  readonly config: TaskConfig;
  readonly middleware: readonly Middleware[];
  /** The manager's default policy. */
  readonly retryPolicy: RetryPolicy | undefined;
}

/** The tasks of a manager, as its workers run them. */
export class ServedTasks {
  readonly #options: ServedTasksOptions;
  readonly #resultStore: ResultStore | undefined;
  readonly #made = new Map<TaskDefinition, RunnableTask>();

  constructor(options: ServedTasksOptions, resultStore: ResultStore | undefined) {
    this.#options = options;
    this.#resultStore = resultStore;
  }

  /** The task of this name. A task that is registered after the start of the worker is served too. */
  get(name: string): RunnableTask | undefined {
    const definition = this.#options.registry.get(name);
    return definition === undefined ? undefined : this.#of(definition);
  }

  all(): readonly RunnableTask[] {
    return this.#options.registry.all().map((definition) => this.#of(definition));
  }

  #of(definition: TaskDefinition): RunnableTask {
    const known = this.#made.get(definition);
    if (known !== undefined) return known;
    const { config, middleware, retryPolicy } = this.#options;
    const task = workerTask(definition, { config, middleware, resultStore: this.#resultStore, retryPolicy });
    this.#made.set(definition, task);
    return task;
  }
}

/**
 * Opens the store that counts limits, if a task or a queue of a worker has some.
 * @throws ConfigError (`STORE_MISSING`), UnsupportedFeatureError (`DELAY_UNSUPPORTED`) if a limit could not hold
 */
export async function limitStoreFor(
  { capabilities }: Broker,
  stores: Pick<Stores, 'open' | 'require'>,
  tasks: readonly RunnableTask[],
  queues: ReadonlyMap<string, number>,
  registry: LimitRegistry,
): Promise<LimitStore | undefined> {
  const limited = tasks.find(({ definition }) => definition.limits !== undefined)?.definition.name;
  const queue = [...queues.keys()].find((name) => registry.nameOfQueue(name) !== undefined);
  const of = limited === undefined ? `(any of queue ${queue})` : limited;
  if (limited === undefined && queue === undefined) return stores.open('limits');
  checkLimitDelays(`task ${of}`, capabilities.maxDelayMs);
  return stores.require('limits', { task: of, option: 'limits' });
}

/** @throws ConfigError, UnsupportedFeatureError for the first task that the broker cannot serve */
export function checkServed({ capabilities }: Broker, tasks: readonly RunnableTask[]): void {
  for (const { definition, timeoutMs, maxRetries } of tasks)
    checkDemands(capabilities, definition.name, timeoutMs, maxRetries);
}
