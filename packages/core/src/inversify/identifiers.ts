import type { ServiceIdentifier } from 'inversify';
import type { Broker } from '../broker/broker.ts';
import type { TaskManager } from '../manager/task-manager.ts';
import type { RetryPolicy } from '../retry/retry-policy.ts';
import type { TaskContext } from '../task/task-context.ts';
import type { Worker } from '../worker/worker.ts';

/** Identifier of the broker. Rebind it to use another one, such as a memory broker in a test. */
export const BROKER = Symbol.for('brokkr.Broker') as ServiceIdentifier<Broker>;
/**
 * Identifier of the manager, a singleton of the container. Resolving it configures the manager with the module's
 * settings, broker and retry policy, and lets the container create its task classes. Resolve it before the first send;
 * later it throws a ConfigError (`INITIALIZED_TOO_LATE`).
 */
export const TASK_MANAGER = Symbol.for('brokkr.TaskManager') as ServiceIdentifier<TaskManager>;
/**
 * Identifier of the run for which a child container was created: the value of `currentTask()`. Bound in that container.
 */
export const TASK_CONTEXT = Symbol.for('brokkr.TaskContext') as ServiceIdentifier<TaskContext>;
/** Identifier of a worker of that manager, a singleton. The application starts and stops it. */
export const WORKER = Symbol.for('brokkr.Worker') as ServiceIdentifier<Worker>;
/** Identifier of the retry policy for tasks without their own. Rebind it to change the default of the application. */
export const RETRY_POLICY = Symbol.for('brokkr.RetryPolicy') as ServiceIdentifier<RetryPolicy>;
