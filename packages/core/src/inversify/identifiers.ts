import type { ServiceIdentifier } from 'inversify';
import type { Broker } from '../broker/broker.ts';
import type { TaskManager } from '../manager/task-manager.ts';
import type { RetryPolicy } from '../retry/retry-policy.ts';
import type { TaskContext } from '../task/task-context.ts';
import type { Worker } from '../worker/worker.ts';

/** The broker; rebind it for another one, a memory broker in a test. */
export const BROKER = Symbol.for('brokkr.Broker') as ServiceIdentifier<Broker>;
export const TASK_MANAGER = Symbol.for('brokkr.TaskManager') as ServiceIdentifier<TaskManager>;
/** The run a child container was made for: what `currentTask()` gives. Bound in that container. */
export const TASK_CONTEXT = Symbol.for('brokkr.TaskContext') as ServiceIdentifier<TaskContext>;
export const WORKER = Symbol.for('brokkr.Worker') as ServiceIdentifier<Worker>;
/** For tasks that say nothing of their retries; rebind it for a house policy. */
export const RETRY_POLICY = Symbol.for('brokkr.RetryPolicy') as ServiceIdentifier<RetryPolicy>;
