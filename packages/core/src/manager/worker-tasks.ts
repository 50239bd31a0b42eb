import type { ResultStore } from '../broker/result-store.ts';
import { joinCall } from '../batches/batch-call.ts';
import type { TaskConfig } from '../config/task-config.ts';
import type { Message } from '../message/message.ts';
import { areIdle, compose, type Layer } from '../middleware/compose.ts';
import type { HandleContext, Middleware } from '../middleware/middleware.ts';
import { noResultStore } from '../result/no-result-store.ts';
import { exponential } from '../retry/exponential.ts';
import type { RetryPolicy } from '../retry/retry-policy.ts';
import type { TaskDefinition } from '../task/task-definition.ts';
import type { TaskRun } from '../task/task-run.ts';
import { validateArguments } from '../task/validate-arguments.ts';
import { upcast } from '../versions/payload-versions.ts';
import type { RunnableTask } from '../worker/runnable-task.ts';

export interface WorkerTasksOptions {
  readonly config: TaskConfig;
  readonly middleware: readonly Middleware[];
  readonly resultStore: ResultStore | undefined;
  /** The manager's default policy, for tasks without their own. */
  readonly retryPolicy: RetryPolicy | undefined;
}

/**
 * Returns a task as a worker runs it: its options, completed by the settings, and its middleware. Its retry policy is its
 * own; else the manager's, unless the task has `retryDelay`; else exponential.
 */
export function workerTask(definition: TaskDefinition, options: WorkerTasksOptions): RunnableTask {
  const { config, retryPolicy, resultStore } = options;
  if (definition.resultTtlMs !== undefined && resultStore === undefined) throw noResultStore(definition.name);
  const { maxRetryDelayMs: maxMs } = definition;
  const delayMs = definition.retryDelayMs ?? Math.min(config.retryDelayMs, maxMs ?? config.retryDelayMs);
  const defaultPolicy = exponential({ delay: `${delayMs}ms`, max: maxMs === undefined ? undefined : `${maxMs}ms` });
  const managerPolicy = definition.retryDelayMs === undefined ? retryPolicy : undefined;
  return {
    definition,
    maxRetries: definition.maxRetries ?? config.maxRetries,
    timeoutMs: definition.timeoutMs ?? config.timeoutMs,
    policy: definition.retry ?? managerPolicy ?? defaultPolicy,
    fallbackPolicy: defaultPolicy,
    ...(joinsDirectly(definition, options.middleware) && { joinsDirectly: true }),
    invoke: currentVersion(definition, invocation(definition, options.middleware)),
  };
}

function joinsDirectly({ batch, schema }: TaskDefinition, middleware: readonly Middleware[]): boolean {
  return batch !== undefined && schema === undefined && middleware.every(({ handle }) => handle === undefined);
}

/** Converts older arguments first: middleware, schema and handler get those of the current version. */
function currentVersion({ versions }: TaskDefinition, invoke: RunnableTask['invoke']): RunnableTask['invoke'] {
  return versions === undefined ? invoke : (run, message) => invoke(run, upcast(message, versions));
}

/** Returns the function that runs an attempt. Without schema and middleware it calls the handler directly. */
function invocation(definition: TaskDefinition, middleware: readonly Middleware[]): RunnableTask['invoke'] {
  const { batch } = definition;
  const handler = batch === undefined ? definition.handler : (...args: readonly unknown[]) => joinCall(args);
  const call =
    definition.schema === undefined
      ? (message: Message) => handler(...message.args)
      : async (message: Message) => handler(...(await validateArguments(definition, message.args)));
  const layers = middleware.flatMap((one): Layer<HandleContext, unknown>[] =>
    one.handle === undefined ? [] : [{ name: one.name, around: one.handle.bind(one), isIdle: one.isIdle?.bind(one) }],
  );
  if (layers.length === 0) return (_run, message) => call(message);
  const wrapped = compose(layers, async (context: HandleContext) => call(context.message), 'replaceable');
  return (run, message) => (areIdle(layers) ? call(message) : wrapped(new HandleScope(definition, run, message)));
}

/** The context of middleware. Signal and logger are created at first use. */
class HandleScope implements HandleContext {
  readonly task: TaskDefinition;
  readonly message: Message;
  readonly #run: TaskRun;

  constructor(task: TaskDefinition, run: TaskRun, message: Message) {
    this.task = task;
    this.message = message;
    this.#run = run;
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }

  get logger(): HandleContext['logger'] {
    return this.#run.logger;
  }

  bind(fields: Readonly<Record<string, string>>): void {
    this.#run.bind(fields);
  }
}
