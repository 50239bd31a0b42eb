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

/** The tasks of a class: each method that returns a promise, as a task with the same arguments and result. */
export type TasksOf<T> = {
  readonly [K in keyof T as T[K] extends (...args: never[]) => Promise<unknown> ? K : never]: T[K] extends (
    ...args: infer A
  ) => Promise<infer R>
    ? Task<A, R>
    : never;
};

/** Creates the instances of task classes. */
export interface TaskSource {
  /** Creates an instance with its dependencies, for one attempt. */
  resolve(type: TaskClass): Promise<object>;
  /** Creates the container of one attempt. */
  childContainer: ((task: TaskContext) => Container) | undefined;
}

const made = new WeakMap<TaskManager, Map<TaskClass, object>>();
const sources = new WeakMap<TaskManager, TaskSource>();

/** Sets the source of the task classes of `manager`. */
export function resolveTasksWith(manager: TaskManager, source: TaskSource): void {
  sources.set(manager, source);
}

/** A class is its own identifier. The cast is needed because InversifyJS types restrict its constructor, and ours do not. */
export function identifier(type: TaskClass): ServiceIdentifier<object> {
  return type as ServiceIdentifier<object>;
}

/**
 * Returns the tasks of a class. To send them needs no container; to run them does.
 *
 * @param manager manager that the tasks belong to @default `TaskManager.getInstance()`
 * @throws ConfigError (`NO_TASKS_IN_CLASS`) if no method is decorated. To read a method that is not a task also throws
 * (`METHOD_NOT_A_TASK`)
 * @example
 * await tasksOf(Mails).welcome.send('ada@example.com');
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
    // The overload for a schema needs the type of its arguments, which a decorator cannot carry.
    const define = manager.task as (options: TaskOptions, handler: unknown) => Task;
    tasks.set(method, define({ ...options, name }, handler));
  }
  return new Proxy(Object.freeze({}), {
    get(_, method) {
      // Promises and loggers read symbols and `then` of every object. Neither is a misspelled task.
      if (typeof method === 'symbol' || method === 'then') return undefined;
      const task = tasks.get(method);
      if (task !== undefined) return task;
      throw new ConfigError(`${type.name}.${method} is not a task; decorate it with @task()`, {
        code: 'METHOD_NOT_A_TASK',
      });
    },
    ownKeys: () => [...tasks.keys()],
  });
}

async function call(manager: TaskManager, type: TaskClass, method: string, args: readonly unknown[]): Promise<unknown> {
  return invoke(await sourceOf(manager, `${type.name}.${method}`).resolve(type), type, method, args);
}

/** Runs the method in a child container, whose bindings are deactivated at the end of the attempt. */
async function callInChild(
  manager: TaskManager,
  type: TaskClass,
  method: string,
  args: readonly unknown[],
): Promise<unknown> {
  const { childContainer } = sourceOf(manager, `${type.name}.${method}`);
  if (childContainer === undefined) {
    throw new ConfigError(
      `${type.name}.${method} needs a child container, and brokkrModule has no option childContainer that creates one; give it that option`,
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

/** Calls the method. The class may be bound to any value: a run that does nothing must not count as a success. */
function invoke(instance: object, type: TaskClass, method: string, args: readonly unknown[]): unknown {
  const body = (instance as Readonly<Record<string, unknown>> | undefined)?.[method];
  if (typeof body === 'function') return body.apply(instance, args);
  throw new ConfigError(
    `${type.name}.${method}: the object that the container resolved for ${type.name} has no such method; check the binding of ${type.name}`,
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
