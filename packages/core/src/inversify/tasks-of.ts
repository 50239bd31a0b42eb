import { ConfigError } from '../errors/errors.ts';
import type { Container, ServiceIdentifier } from 'inversify';
import { TaskManager } from '../manager/task-manager.ts';
import type { Task, TaskOptions } from '../task/task.ts';
import { currentTask } from '../task/current-task.ts';
import type { TaskContext } from '../task/task-context.ts';
import { TASK_CONTEXT } from './identifiers.ts';
import { decoratedMethods } from './task-decorator.ts';

/** A class whose methods are tasks. */
export type TaskClass<T extends object = object> = abstract new (...args: never[]) => T;

/** The tasks of a class: each method that answers with a promise, as a task of the same arguments and result. */
export type TasksOf<T> = {
  readonly [K in keyof T as T[K] extends (...args: never[]) => Promise<unknown> ? K : never]: T[K] extends (
    ...args: infer A
  ) => Promise<infer R>
    ? Task<A, R>
    : never;
};

/** Where the instances of task classes come from. */
export interface TaskSource {
  /** Creates an instance with its dependencies, for one attempt. */
  resolve(type: TaskClass): Promise<object>;
  /** Makes the container of one attempt. */
  childContainer: ((task: TaskContext) => Container) | undefined;
}

const made = new WeakMap<TaskManager, Map<TaskClass, object>>();
const sources = new WeakMap<TaskManager, TaskSource>();

/** Names what the task classes of `manager` come from. */
export function resolveTasksWith(manager: TaskManager, source: TaskSource): void {
  sources.set(manager, source);
}

/** A class is its own identifier; our type of it asks nothing of its constructor, InversifyJS's does. */
export function identifier(type: TaskClass): ServiceIdentifier<object> {
  return type as ServiceIdentifier<object>;
}

/**
 * The tasks of a class, to send them: needs no container. Running them does.
 * @param manager @default the default one
 * @throws ConfigError for a class without tasks, and where a method is touched that is none
 */
export function tasksOf<T extends object>(
  type: TaskClass<T>,
  manager: TaskManager = TaskManager.getInstance(),
): TasksOf<T> {
  const known = made.get(manager) ?? new Map<TaskClass, object>();
  made.set(manager, known);
  const tasks = known.get(type) ?? define(type, manager);
  known.set(type, tasks);
  return tasks as TasksOf<T>;
}

function define(type: TaskClass, manager: TaskManager): object {
  const methods = decoratedMethods(type.prototype as object);
  if (methods.size === 0) {
    throw new ConfigError(`class ${type.name} has no tasks; decorate its methods with @task()`, {
      code: 'NO_TASKS_IN_CLASS',
    });
  }
  const tasks = new Map<string, Task>();
  for (const [method, { childContainer, ...options }] of methods) {
    const run = childContainer === true ? callInChild : call;
    const handler = (...args: readonly unknown[]) => run(manager, type, method, args);
    const name = options.name ?? `${type.name}.${method}`;
    // The overload for a schema asks for its type, which a decorator cannot carry.
    const define = manager.conditionalTask as (options: TaskOptions, handler: unknown) => Task;
    tasks.set(method, define({ ...options, name }, handler));
  }
  return new Proxy(Object.freeze({}), {
    get(_, method) {
      // Promises and printers ask every object for symbols and `then`; neither is a task anybody meant.
      if (typeof method === 'symbol' || method === 'then') return undefined;
      const task = tasks.get(method);
      if (task !== undefined) return task;
      throw new ConfigError(`${type.name}.${method} is no task; decorate it with @task()`, {
        code: 'METHOD_NOT_A_TASK',
      });
    },
    ownKeys: () => [...tasks.keys()],
  });
}

async function call(manager: TaskManager, type: TaskClass, method: string, args: readonly unknown[]): Promise<unknown> {
  return invoke(await sourceOf(manager, `${type.name}.${method}`).resolve(type), type, method, args);
}

/** In a container of its own, which ends with the attempt: what is bound in it is deactivated. */
async function callInChild(
  manager: TaskManager,
  type: TaskClass,
  method: string,
  args: readonly unknown[],
): Promise<unknown> {
  const { childContainer } = sourceOf(manager, `${type.name}.${method}`);
  if (childContainer === undefined) {
    throw new ConfigError(
      `${type.name}.${method} asks for a child container: give brokkrModule the option childContainer, which makes it`,
      { code: 'CHILD_CONTAINER_MISSING' },
    );
  }
  const child = childContainer(currentTask());
  try {
    child.bind(TASK_CONTEXT).toConstantValue(currentTask());
    return await invoke(await child.getAsync(identifier(type)), type, method, args);
  } finally {
    await child.unbindAllAsync();
  }
}

/** What the class is bound to may be anything: a run that does nothing must not count as a success. */
function invoke(instance: object, type: TaskClass, method: string, args: readonly unknown[]): unknown {
  const body = (instance as Readonly<Record<string, unknown>> | undefined)?.[method];
  if (typeof body === 'function') return body.apply(instance, args);
  throw new ConfigError(
    `${type.name}.${method}: what the container gives for ${type.name} has no such method; see what it is bound to`,
    { code: 'TASK_METHOD_MISSING' },
  );
}

function sourceOf(manager: TaskManager, task: string): TaskSource {
  const source = sources.get(manager);
  if (source !== undefined) return source;
  throw new ConfigError(
    `${task} needs its container: load brokkrModule and get TASK_MANAGER or WORKER from it before tasks run`,
    { code: 'CONTAINER_MISSING' },
  );
}
