import type { TaskOptions } from '../task/task.ts';

/** The decorated methods of each class, by the class's prototype. */
const decorated = new WeakMap<object, Map<string, TaskOptions>>();

/**
 * Makes a method a task of its class (a legacy decorator, the kind InversifyJS uses). Its name on the wire is the
 * option `name`, else `Class.method`: bundlers rename classes, so give names.
 */
export function task(
  options: TaskOptions = {},
): <F extends (...args: never[]) => Promise<unknown>>(
  target: object,
  key: string,
  descriptor: TypedPropertyDescriptor<F>,
) => void {
  return (target, key) => {
    const methods = decorated.get(target) ?? new Map<string, TaskOptions>();
    decorated.set(target, methods.set(key, options));
  };
}

/** The tasks of a class and of those it extends: options by method. */
export function decoratedMethods(prototype: object): ReadonlyMap<string, TaskOptions> {
  const parent: unknown = Object.getPrototypeOf(prototype);
  const inherited =
    typeof parent === 'object' && parent !== null ? decoratedMethods(parent) : new Map<string, TaskOptions>();
  return new Map([...inherited, ...(decorated.get(prototype) ?? [])]);
}
