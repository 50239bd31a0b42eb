import { ConfigError } from '../errors/errors.ts';
import { TaskManager } from '../manager/task-manager.ts';
import type { Task, TaskOptions } from '../task/task.ts';
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

/** Gives an instance of a task class with its dependencies, for one attempt. */
export type Resolve = (type: TaskClass) => object;

const made = new WeakMap<TaskManager, Map<TaskClass, object>>();
const resolvers = new WeakMap<TaskManager, Resolve>();

/** Names the container that the task classes of `manager` come from. */
export function resolveTasksWith(manager: TaskManager, resolve: Resolve): void {
  resolvers.set(manager, resolve);
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
  for (const [method, options] of methods) {
    const handler = (...args: readonly unknown[]) => call(manager, type, method, args);
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
  const resolve = resolvers.get(manager);
  if (resolve === undefined) {
    throw new ConfigError(
      `${type.name}.${method} needs its container: load brokkrModule and get TASK_MANAGER or WORKER from it before tasks run`,
      { code: 'CONTAINER_MISSING' },
    );
  }
  const instance = resolve(type) as Record<string, (...args: readonly unknown[]) => unknown>;
  return instance[method]?.(...args);
}
