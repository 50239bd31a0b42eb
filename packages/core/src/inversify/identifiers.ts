import type { ServiceIdentifier } from 'inversify';
import type { Broker } from '../broker/broker.ts';
import type { TaskManager } from '../manager/task-manager.ts';
import type { RetryPolicy } from '../retry/retry-policy.ts';
import type { TaskContext } from '../task/task-context.ts';
import type { Worker } from '../worker/worker.ts';

/** The broker. Rebind it to use another one, such as a memory broker in a test. */
export const BROKER = Symbol.for('brokkr.Broker') as ServiceIdentifier<Broker>;
/**
 * The task manager. When it is first resolved, it gets the settings, broker and policy of the module, and creates its task
 * classes by the container. Resolve it before the first send: later it is a ConfigError (`INITIALIZED_TOO_LATE`).
 */
export const TASK_MANAGER = Symbol.for('brokkr.TaskManager') as ServiceIdentifier<TaskManager>;
/** The context of an attempt, as `currentTask()` returns it. Bound in the child container of the attempt. */
export const TASK_CONTEXT = Symbol.for('brokkr.TaskContext') as ServiceIdentifier<TaskContext>;
/** A worker of the manager. It is created when it is first resolved; the application starts and stops it. */
export const WORKER = Symbol.for('brokkr.Worker') as ServiceIdentifier<Worker>;
/** The retry policy of tasks without retry options. Rebind it to set a default policy. */
export const RETRY_POLICY = Symbol.for('brokkr.RetryPolicy') as ServiceIdentifier<RetryPolicy>;
