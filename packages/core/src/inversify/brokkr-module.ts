import { type Container, ContainerModule, type ResolutionContext, type ServiceIdentifier } from 'inversify';
import type { Broker } from '../broker/broker.ts';
import { configuredBroker } from '../config/configured-broker.ts';
import { managerLogger } from '../config/default-logger.ts';
import { readEnvironment } from '../config/env-file.ts';
import { resolveConfig, type TaskConfig } from '../config/task-config.ts';
import { checkOptions, type OptionNames } from '../errors/check-options.ts';
import { withoutBindings } from '../logging/create-logger.ts';
import { MANAGER_OPTIONS, type ManagerOptions, managerOptions } from '../manager/manager-options.ts';
import { TaskManager } from '../manager/task-manager.ts';
import { exponential } from '../retry/exponential.ts';
import type { RetryPolicy } from '../retry/retry-policy.ts';
import type { TaskContext } from '../task/task-context.ts';
import type { WorkerOptions } from '../worker/worker.ts';
import { BROKER, RETRY_POLICY, TASK_MANAGER, WORKER } from './identifiers.ts';
import { identifier, resolveTasksWith, type TaskClass, tasksOf } from './tasks-of.ts';

/**
 * Options of `brokkrModule`: those of `initialize`, and some for the container. Names are checked when the module is
 * created. Values are checked when the container first resolves `TASK_MANAGER` or `WORKER`. Invalid ones throw a
 * ConfigError.
 */
export interface BrokkrModuleOptions extends ManagerOptions {
  /** Classes whose decorated methods are tasks. */
  readonly tasks?: readonly TaskClass[] | undefined;
  /** Manager that the module configures. @default `TaskManager.getInstance()` */
  readonly manager?: TaskManager | undefined;
  /** Options of the worker that is bound as `WORKER`. */
  readonly worker?: WorkerOptions | undefined;
  /**
   * Creates the container of one attempt, for tasks with `childContainer: true`: a child of the application's
   * container, with bindings for the attempt. The module binds `TASK_CONTEXT` in it, and unbinds all when the attempt
   * ends.
   */
  readonly childContainer?: ((task: TaskContext) => Container) | undefined;
}

const MODULE_OPTIONS: OptionNames<BrokkrModuleOptions> = {
  ...MANAGER_OPTIONS,
  tasks: true,
  manager: true,
  worker: true,
  childContainer: true,
};

/**
 * Returns an InversifyJS module that binds `BROKER`, `TASK_MANAGER`, `WORKER` and `RETRY_POLICY`, and the task classes
 * in request scope: each attempt gets a new instance. Every binding may be replaced.
 * @throws ConfigError (`OPTION_UNKNOWN`) for an unknown option
 * @throws ConfigError (`NO_TASKS_IN_CLASS`) for a class without tasks, when the module is loaded
 * @example
 * const container = new Container();
 * container.load(brokkrModule({ tasks: [EmailTasks], brokerUrl: 'redis://localhost:6379' }));
 * await container.get(WORKER).start();
 */
export function brokkrModule(options: BrokkrModuleOptions = {}): ContainerModule {
  checkOptions(options, MODULE_OPTIONS, 'brokkrModule');
  const { tasks = [], manager = TaskManager.getInstance(), worker, childContainer, ...settings } = options;
  managerOptions(settings);
  let config: TaskConfig | undefined;
  const theConfig = () => {
    config ??= resolveConfig(settings, readEnvironment());
    return config;
  };
  const surroundings = () => ({
    clock: settings.clock,
    logger: withoutBindings(managerLogger(settings.logger, settings, theConfig())),
    knownQueues: () => queuesOf(manager, theConfig()),
  });
  let standard: RetryPolicy | undefined;
  const standardPolicy = () => {
    standard ??= settings.retryPolicy ?? exponential({ delay: `${theConfig().retryDelayMs}ms` });
    return standard;
  };
  return new ContainerModule(({ bind, isBound }) => {
    for (const type of tasks) {
      tasksOf(type, manager);
      if (!isBound(identifier(type))) bind(identifier(type)).toSelf().inRequestScope();
    }
    bind(BROKER)
      .toDynamicValue(() => settings.broker ?? configuredBroker(theConfig().brokerUrl, theConfig(), surroundings()))
      .inSingletonScope();
    bind(RETRY_POLICY).toDynamicValue(standardPolicy).inSingletonScope();
    bind(TASK_MANAGER)
      .toDynamicValue((context) => {
        const configure = (broker: Broker, policy: RetryPolicy) => {
          resolveTasksWith(manager, { resolve: (type) => context.getAsync(identifier(type)), childContainer });
          // Without a rebound policy the manager uses its standard one, which follows each task's `maxRetryDelay`.
          const retryPolicy = policy === standard ? settings.retryPolicy : policy;
          return manager.configure({ ...settings, broker, retryPolicy });
        };
        const [broker, policy] = [resolved(context, BROKER), resolved(context, RETRY_POLICY)];
        if (!(broker instanceof Promise) && !(policy instanceof Promise)) return configure(broker, policy);
        return Promise.all([broker, policy]).then((values) => configure(...values));
      })
      .inSingletonScope();
    bind(WORKER)
      .toDynamicValue((context) => {
        const bound = resolved(context, TASK_MANAGER);
        return bound instanceof Promise ? bound.then((each) => each.createWorker(worker)) : bound.createWorker(worker);
      })
      .inSingletonScope();
  });
}

/**
 * Resolves an identifier; returns a promise if it has asynchronous dependencies. With a synchronous result,
 * `container.get(TASK_MANAGER)` works.
 */
function resolved<T>(context: ResolutionContext, id: ServiceIdentifier<T>): T | Promise<T> {
  try {
    return context.get(id);
  } catch {
    // `get` refuses asynchronous services. `getAsync` throws any other error again.
    return context.getAsync(id);
  }
}

function queuesOf(manager: TaskManager, { queueName }: TaskConfig): readonly string[] {
  return [...new Set(manager.tasks().map((task) => task.queueName ?? queueName))];
}
