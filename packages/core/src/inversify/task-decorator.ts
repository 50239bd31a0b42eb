import { checkOptions, type OptionNames } from '../errors/check-options.ts';
import type { TaskOptions } from '../task/task.ts';
import { TASK_OPTIONS } from '../task/task-definition.ts';

/** What `@task` takes: the options of a task, and `name` is `Class.method` by default. Others are refused at once. */
export interface TaskMethodOptions extends TaskOptions {
  /**
   * Resolves the class from a child container of each attempt's own, made by `childContainer` of `brokkrModule`. It
   * costs some hundred times more than the request scope. @default false
   */
  readonly childContainer?: boolean | undefined;
}

const METHOD_OPTIONS: OptionNames<TaskMethodOptions> = { ...TASK_OPTIONS, childContainer: true };

/** The decorated methods of each class, by the class's prototype. */
const decorated = new WeakMap<object, Map<string, TaskMethodOptions>>();

/**
 * Makes a method a task of its class (a legacy decorator, the kind InversifyJS uses). Its name on the wire is the
 * option `name`, else `Class.method`: bundlers rename classes, so give names.
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

/** The tasks of a class and of those it extends: options by method. */
export function decoratedMethods(prototype: object): ReadonlyMap<string, TaskMethodOptions> {
  const parent: unknown = Object.getPrototypeOf(prototype);
  const inherited =
    typeof parent === 'object' && parent !== null ? decoratedMethods(parent) : new Map<string, TaskMethodOptions>();
  return new Map([...inherited, ...(decorated.get(prototype) ?? [])]);
}
