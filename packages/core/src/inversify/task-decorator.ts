import { checkOptions, type OptionNames } from '../errors/check-options.ts';
import type { TaskOptions } from '../task/task.ts';
import { TASK_OPTIONS } from '../task/task-definition.ts';

/** Options of `@task`: those of a task. The default `name` is `Class.method`. */
export interface TaskMethodOptions extends TaskOptions {
  /**
   * Resolves the class from a child container for each attempt, which `childContainer` of `brokkrModule` creates. This
   * takes some hundred times longer than the request scope. @default false
   */
  readonly childContainer?: boolean | undefined;
}

const METHOD_OPTIONS: OptionNames<TaskMethodOptions> = { ...TASK_OPTIONS, childContainer: true };

/** The decorated methods of each class, by its prototype. */
const decorated = new WeakMap<object, Map<string, TaskMethodOptions>>();

/**
 * Makes a method a task of its class. It is a legacy decorator, like those of InversifyJS. Give it a `name`: the default
 * `Class.method` changes if a bundler renames the class.
 *
 * @throws ConfigError (`OPTION_UNKNOWN`) for an unknown option
 * @example
 * class Mails {
 *   @task({ name: 'mails.welcome' }) async welcome(to: string) { await this.smtp.send(to); }
 * }
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

/** The decorated methods of a class and of the classes it extends, with their options. */
export function decoratedMethods(prototype: object): ReadonlyMap<string, TaskMethodOptions> {
  const parent: unknown = Object.getPrototypeOf(prototype);
  const inherited =
    typeof parent === 'object' && parent !== null ? decoratedMethods(parent) : new Map<string, TaskMethodOptions>();
  return new Map([...inherited, ...(decorated.get(prototype) ?? [])]);
}
