/* The type of any function: `never[]` accepts all parameters, `unknown[]` would accept none. */
export type AnyFunction = (...args: never[]) => unknown;

/** The type of `T` after a round trip through JSON, as a stored result has it. */
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
