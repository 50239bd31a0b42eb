import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { AnyFunction } from './json.ts';
import type { Task, TaskOptions } from './task.ts';

type Awaitable<T> = T | PromiseLike<T>;
type NotGenerator<F> = F extends (...args: never[]) => AsyncGenerator | Generator
  ? 'a task cannot be a generator function'
  : F;
type InferInput<S extends StandardSchemaV1> = StandardSchemaV1.InferInput<S>;
type InferOutput<S extends StandardSchemaV1> = StandardSchemaV1.InferOutput<S>;
type OptionalTail<T extends readonly unknown[]> = T extends readonly [...infer H, infer L]
  ? undefined extends L
    ? unknown extends L
      ? T
      : [...OptionalTail<H>, L?]
    : T
  : T;
type InputsOf<S extends readonly StandardSchemaV1[]> = OptionalTail<{ -readonly [K in keyof S]: InferInput<S[K]> }>;
type OutputsOf<S extends readonly StandardSchemaV1[]> = { -readonly [K in keyof S]: InferOutput<S[K]> };

/**
 * Defines a task. The types of arguments and result follow from the function, or from the schema if there is one.
 * @throws ConfigError for an invalid name, option or handler
 * @example
 * const email = tm.task({ name: 'email', maxRetries: 5 }, async (to: string, subject: string) => send(to, subject));
 */
export interface DefineTask {
  <const S extends readonly StandardSchemaV1[], R>(
    options: TaskOptions<InputsOf<S>> & { readonly schema: S },
    handler: (...args: OutputsOf<S>) => Awaitable<R>,
  ): Task<InputsOf<S>, Awaited<R>>;
  <S extends StandardSchemaV1, R>(
    options: TaskOptions<[payload: InferInput<S>]> & { readonly schema: S },
    handler: (payload: InferOutput<S>) => Awaitable<R>,
  ): Task<[payload: InferInput<S>], Awaited<R>>;
  <F extends AnyFunction>(
    options: TaskOptions<Parameters<F>> & { readonly schema?: undefined },
    handler: F & NotGenerator<F>,
  ): Task<Parameters<F>, Awaited<ReturnType<F>>>;
  <F extends AnyFunction>(handler: F & NotGenerator<F>): Task<Parameters<F>, Awaited<ReturnType<F>>>;
}
