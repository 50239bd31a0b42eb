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

/** Options of `brokkrModule`: those of `initialize`, and those that only a container needs. */
export interface BrokkrModuleOptions extends ManagerOptions {
  /** Classes whose decorated methods are tasks. */
  readonly tasks?: readonly TaskClass[] | undefined;
  /** Manager that the tasks belong to. @default `TaskManager.getInstance()` */
  readonly manager?: TaskManager | undefined;
  /** Options of the worker that is bound as `WORKER`. */
  readonly worker?: WorkerOptions | undefined;
  /**
   * Creates the container of one attempt, for tasks with `childContainer: true`: a child of the application's container.
   * `TASK_CONTEXT` is bound in it. All its bindings are removed when the attempt ends.
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
 * Binds Brokkr in a container: `BROKER`, `TASK_MANAGER`, `WORKER` and `RETRY_POLICY`, each of which can be rebound, and
 * the task classes, which are created again for each attempt (request scope).
 *
 * @throws ConfigError (`OPTION_UNKNOWN`) for an unknown option. Values are checked when the container first resolves
 * `TASK_MANAGER` or `WORKER`
 * @example
 * container.load(brokkrModule({ tasks: [Mails], brokerUrl: 'redis://127.0.0.1:6379' }));
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
 * Resolves an identifier: synchronously if possible, so that `container.get(TASK_MANAGER)` works. If a dependency is
 * asynchronous, the result is a promise.
 */
function resolved<T>(context: ResolutionContext, id: ServiceIdentifier<T>): T | Promise<T> {
  try {
    return context.get(id);
  } catch {
    // `get` refuses asynchronous services. The promise rejects with any other error.
    return context.getAsync(id);
  }
}

function queuesOf(manager: TaskManager, { queueName }: TaskConfig): readonly string[] {
  return [...new Set(manager.tasks().map((task) => task.queueName ?? queueName))];
}
