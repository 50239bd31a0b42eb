import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Duration } from '../clock/duration.ts';
import type { RetryPolicy } from '../retry/retry-policy.ts';
import type { AnyFunction, Json } from './json.ts';
import type { TaskHandle } from './task-handle.ts';

/** Options of one send; they win over the task's own. */
export interface SendOptions {
  /** How long to wait before it may start. Not together with `eta`. */
  readonly delay?: Duration | undefined;
  /** When it may start, by the sender's clock; one in the past is now. Not together with `delay`. */
  readonly eta?: Date | undefined;
  /** Counted from the moment it is due: not started by then, it is dropped and counted as expired. */
  readonly expiresIn?: Duration | undefined;
  readonly queueName?: string | undefined;
  /** Retries after the first attempt: a whole number, 0 or more. */
  readonly maxRetries?: number | undefined;
  /** Time limit of one attempt. */
  readonly timeout?: Duration | undefined;
  /**
   * Two sends of one task with the same key are one message, for `idempotencyTtl`: the second stores nothing, and its
   * handle has `isNew: false`. 1 to 256 characters. Not with `sendMany`.
   */
  readonly idempotencyKey?: string | undefined;
  /** How long the key is remembered, counted from the send that stored the message. @default `TASK_IDEMPOTENCY_TTL`, else 24 h */
  readonly idempotencyTtl?: Duration | undefined;
  /** Strings that travel along, at most 32 of 1 KiB each; names beginning with `brokkr-` are taken. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** A class of what is thrown, or a question about it, answered at once. */
export type ErrorMatcher = (abstract new (...args: never[]) => object) | ((error: unknown) => boolean);

/** What a task is. Each option left out follows `initialize`, then the environment, then the default given here. */
export interface TaskOptions {
  /** Stable name on the wire. @default the function's name */
  readonly name?: string | undefined;
  /** @default `TASK_QUEUE_NAME`, else `default` */
  readonly queueName?: string | undefined;
  /** Retries after the first attempt: a whole number, 0 or more. @default `TASK_MAX_RETRIES`, else 3 */
  readonly maxRetries?: number | undefined;
  /** Wait before retry 1; retry n waits `retryDelay × 2^(n-1)`. @default `TASK_RETRY_DELAY`, else 15 s */
  readonly retryDelay?: Duration | undefined;
  /** The longest wait between attempts; not shorter than `retryDelay`. @default 1 h, or `retryDelay` where that is longer */
  readonly maxRetryDelay?: Duration | undefined;
  /** In place of `retryDelay` and `maxRetryDelay`; `maxRetries` still ends it. */
  readonly retry?: RetryPolicy | undefined;
  /** Retry these errors only. @default every one but `PermanentError` and `ValidationError` */
  readonly retryOn?: ErrorMatcher | readonly ErrorMatcher[] | undefined;
  /** Never retry these errors; wins over `retryOn`. */
  readonly giveUpOn?: ErrorMatcher | readonly ErrorMatcher[] | undefined;
  /**
   * Limit of `RetryLater` in one attempt: a number of times, or a duration such as `'1h'` since the first. Beyond it the
   * message becomes a dead letter. @default no limit
   */
  readonly maxRetryLater?: number | string | undefined;
  /** Time limit of one attempt. @default `TASK_TIMEOUT`, else 600 s */
  readonly timeout?: Duration | undefined;
  /** How long the result is kept for `handle.result()`; `false` keeps none. @default false */
  readonly result?: Duration | false | undefined;
  /** Standard Schema (zod, valibot, arktype …) of the one argument, or a list with one for each. */
  readonly schema?: StandardSchemaV1 | readonly StandardSchemaV1[] | undefined;
}

/** A task's sending, bound: it works detached, and remembers its task. */
export interface Send<A extends readonly unknown[], R> {
  /**
   * Resolves once the broker has stored the message.
   * @throws ValidationError, SerializationError, PayloadTooLargeError, ConfigError for what is wrong here;
   * UnsupportedFeatureError for what the broker cannot do; BrokerUnavailableError when it is away for longer than
   * `TASK_SEND_TIMEOUT`
   */
  (...args: A): Promise<TaskHandle<R>>;
  readonly task: TaskRef<A, R>;
  /**
   * The same sending with further options, on top of those it has already.
   * @throws ConfigError at once, naming the option at fault
   */
  with(options: SendOptions): Sender<A, R>;
}

/** Sends messages of one task with options that are settled; sends nothing by itself, and may be kept. */
export interface Sender<A extends readonly unknown[], R> {
  readonly send: Send<A, R>;
  /**
   * Sends a message for each list of arguments, in chunks of 500, and lets the event loop turn between them. A list is
   * checked whole before anything is sent. Any other iterable, also an async one, is taken, checked and sent chunk by
   * chunk, so that it may be longer than memory.
   * @returns the handles, in the order of the batch
   * @throws ValidationError, SerializationError, PayloadTooLargeError, ConfigError or UnsupportedFeatureError, as `send`
   * does, if nothing was sent before
   * @throws SendManyError (`SEND_MANY_FAILED`) if some messages are not stored, or may not be: it has an outcome for each
   * @example
   * await email.sendMany([['a@example.com'], ['b@example.com']]);
   */
  sendMany(batch: Iterable<A> | AsyncIterable<A>): Promise<TaskHandle<R>[]>;
  /**
   * The same task with options of its own for what is sent through it; headers add up, of others the last given wins.
   * @throws ConfigError at once, naming the option at fault
   */
  with(options: SendOptions): Sender<A, R>;
}

/**
 * A task as those see it who send it or ask about it, and do not run it. `queueName` is its own, else the manager's
 * default: reading it asks the manager for its settings, and throws a ConfigError where these are wrong.
 */
export interface TaskRef<A extends readonly unknown[], R> extends Sender<A, R> {
  readonly taskName: string;
  readonly queueName: string;
}

/** A task: sends, and called as a function runs its body here, with no broker. */
export type Task<A extends readonly unknown[] = readonly unknown[], R = unknown> = TaskRef<A, Json<R>> &
  ((...args: A) => Promise<R>);

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

/** Defines a task. The types of arguments and result follow from the function, or from the schema where there is one. */
export interface DefineTask {
  <const S extends readonly StandardSchemaV1[], R>(
    options: TaskOptions & { readonly schema: S },
    handler: (...args: OutputsOf<S>) => Awaitable<R>,
  ): Task<InputsOf<S>, Awaited<R>>;
  <S extends StandardSchemaV1, R>(
    options: TaskOptions & { readonly schema: S },
    handler: (payload: InferOutput<S>) => Awaitable<R>,
  ): Task<[payload: InferInput<S>], Awaited<R>>;
  <F extends AnyFunction>(
    options: TaskOptions & { readonly schema?: undefined },
    handler: F & NotGenerator<F>,
  ): Task<Parameters<F>, Awaited<ReturnType<F>>>;
  <F extends AnyFunction>(handler: F & NotGenerator<F>): Task<Parameters<F>, Awaited<ReturnType<F>>>;
}
