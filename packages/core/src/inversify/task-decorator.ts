import { checkOptions, type OptionNames } from '../errors/check-options.ts';
import type { TaskOptions } from '../task/task.ts';
import { TASK_OPTIONS } from '../task/task-definition.ts';

/** Options of `@task`: those of a task; the default of `name` is `Class.method`. Unknown options throw immediately. */
export interface TaskMethodOptions extends TaskOptions {
  /**
   * Resolves the class from a child container for each attempt, which `childContainer` of `brokkrModule` creates. That
   * takes some hundred times longer than request scope. @default false
   */
  readonly childContainer?: boolean | undefined;
}

const METHOD_OPTIONS: OptionNames<TaskMethodOptions> = { ...TASK_OPTIONS, childContainer: true };

/** The decorated methods of each class, by its prototype. */
const decorated = new WeakMap<object, Map<string, TaskMethodOptions>>();

/**
 * Makes a method a task of its class. It is a legacy decorator, as InversifyJS uses them. The name in messages is the
 * option `name`, else `Class.method`. Give a name if you bundle the code: bundlers rename classes.
 * @throws ConfigError (`OPTION_UNKNOWN`) for an unknown option
 * @example
 * class EmailTasks {
 * @task({ name: 'email.welcome' }) async welcome(to: string): Promise<void> {} }
 */
export function task(
  options: TaskMethodOptions = {},
): <F extends (...args: never[]) => Promise<unknown>>(
  target: object,
  key: string,
  descriptor: TypedPropertyDescriptor<F>,
) => void {
  return (target, key) => {
    checkOptions(options, METHOD_OPTIONS, `@task of ${target.constructor.name}.${key}`);
    const methods = decorated.get(target) ?? new Map<string, TaskMethodOptions>();
    decorated.set(target, methods.set(key, options));
  };
}

/** Returns the decorated methods of a class and of its superclasses, with their options. */
export function decoratedMethods(prototype: object): ReadonlyMap<string, TaskMethodOptions> {
  const parent: unknown = Object.getPrototypeOf(prototype);
  const inherited =
    typeof parent === 'object' && parent !== null ? decoratedMethods(parent) : new Map<string, TaskMethodOptions>();
  return new Map([...inherited, ...(decorated.get(prototype) ?? [])]);
}
