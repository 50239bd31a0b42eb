import type { ServiceIdentifier } from 'inversify';
import type { Broker } from '../broker/broker.ts';
import type { TaskManager } from '../manager/task-manager.ts';
import type { RetryPolicy } from '../retry/retry-policy.ts';
import type { TaskContext } from '../task/task-context.ts';
import type { Worker } from '../worker/worker.ts';

/** The broker; rebind it for another one, a memory broker in a test. */
export const BROKER = Symbol.for('brokkr.Broker') as ServiceIdentifier<Broker>;
/**
 * The manager, once for the container: asking for it gives it the module's settings, broker and policy, and has the
 * instances of its task classes come from the container. Ask before the first send: afterwards it is a ConfigError.
 */
export const TASK_MANAGER = Symbol.for('brokkr.TaskManager') as ServiceIdentifier<TaskManager>;
/** The run a child container was made for: what `currentTask()` gives. Bound in that container. */
export const TASK_CONTEXT = Symbol.for('brokkr.TaskContext') as ServiceIdentifier<TaskContext>;
/** A worker of that manager, made once, when it is first asked for; starting and stopping it is yours. */
export const WORKER = Symbol.for('brokkr.Worker') as ServiceIdentifier<Worker>;
/** For tasks that say nothing of their retries; rebind it for a house policy. */
export const RETRY_POLICY = Symbol.for('brokkr.RetryPolicy') as ServiceIdentifier<RetryPolicy>;
