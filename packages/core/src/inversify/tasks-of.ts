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

/** The tasks of a class: one for each method that returns a promise, with the same arguments and result. */
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
  /** Makes the container of one attempt. */
  childContainer: ((task: TaskContext) => Container) | undefined;
}

const made = new WeakMap<TaskManager, Map<TaskClass, object>>();
const sources = new WeakMap<TaskManager, TaskSource>();

/** Sets the source of instances for the task classes of `manager`. */
export function resolveTasksWith(manager: TaskManager, source: TaskSource): void {
  sources.set(manager, source);
}

/** A class is its own identifier. Our type accepts any constructor; InversifyJS's type is narrower. */
export function identifier(type: TaskClass): ServiceIdentifier<object> {
  return type as ServiceIdentifier<object>;
}

/**
 * Returns the tasks of a class, for sending them. Sending needs no container; running needs `brokkrModule`.
 * @param manager manager of the tasks; `TaskManager.getInstance()` by default
 * @throws ConfigError (`NO_TASKS_IN_CLASS`) for a class without tasks
 * @throws ConfigError (`METHOD_NOT_A_TASK`) if a method without `@task` is read from the result
 * @example
 * await tasksOf(EmailTasks).welcome.send('ada@example.com');
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
    // The overload for a schema needs the type of the schema, which a decorator does not have.
    const define = manager.conditionalTask as (options: TaskOptions, handler: unknown) => Task;
    tasks.set(method, define({ ...options, name }, handler));
  }
  return new Proxy(Object.freeze({}), {
    get(_, method) {
      // Promises and printers read symbols and `then` from every object.
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

/** Runs the method in its own container. At the end everything bound in it is deactivated. */
async function callInChild(
  manager: TaskManager,
  type: TaskClass,
  method: string,
  args: readonly unknown[],
): Promise<unknown> {
  const { childContainer } = sourceOf(manager, `${type.name}.${method}`);
  if (childContainer === undefined) {
    throw new ConfigError(
      `${type.name}.${method} needs a child container; give brokkrModule the option childContainer, which creates it`,
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

/** The class may be bound to anything. A run without the method must not count as a success. */
function invoke(instance: object, type: TaskClass, method: string, args: readonly unknown[]): unknown {
  const body = (instance as Readonly<Record<string, unknown>> | undefined)?.[method];
  if (typeof body === 'function') return body.apply(instance, args);
  throw new ConfigError(
    `${type.name}.${method}: the object that the container resolves for ${type.name} has no such method; check its binding`,
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
