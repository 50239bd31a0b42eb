/* The types of functions whatever their parameters: `never[]` takes them all, `unknown[]` would take none. */
export type AnyFunction = (...args: never[]) => unknown;

/** What JSON makes of a value of type `T`: the type of a stored result. */
export type Json<T> = unknown extends T
  ? unknown
  : T extends undefined
    ? undefined
    : T extends { toJSON(): infer J }
      ? J
      : T extends string | number | boolean | null
        ? T
        : T extends bigint | symbol | AnyFunction
          ? never
          : T extends ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>
            ? Record<string, never>
            : T extends readonly unknown[]
              ? { [K in keyof T]: Json<T[K]> }
              : T extends object
                ? {
                    [K in keyof T as K extends symbol ? never : T[K] extends AnyFunction | symbol ? never : K]: Json<
                      T[K]
                    >;
                  }
                : undefined;
