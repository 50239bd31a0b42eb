import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Priority } from '../broker/lane-names.ts';
import type { Duration } from '../clock/duration.ts';
import type { KeyedLimit } from '../limits/limit.ts';
import type { CollapseOptions } from '../collapse/collapse-options.ts';
import type { RetryPolicy } from '../retry/retry-policy.ts';
import type { VersionOptions } from '../versions/payload-versions.ts';
import type { Json } from './json.ts';
import type { TaskHandle } from './task-handle.ts';

/** Options of one send. They take precedence over the options of the task. */
export interface SendOptions extends CollapseOptions {
  /** How long the message waits before it may start. Cannot be combined with `eta`. */
  readonly delay?: Duration | undefined;
  /** When the message may start, by the sender's clock; a time in the past is now. Cannot be combined with `delay`. */
  readonly eta?: Date | undefined;
  /** Time within which the message must start, from when it is due. After that it is removed, and counts as expired. */
  readonly expiresIn?: Duration | undefined;
  /** Queue of the message. @default the queue of the task */
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
  /** Lane of the message; only if the task has `priorities`. @default 'normal' */
  readonly priority?: Priority | undefined;
  /** Strings for `currentTask().headers`, at most 32 of 1 KiB each. Names that begin with `brokkr-` are reserved. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** A class of errors, or a synchronous function that returns whether an error matches. */
export type ErrorMatcher = (abstract new (...args: never[]) => object) | ((error: unknown) => boolean);

/** A method, so that options of any task may be kept in a variable of the type `TaskOptions`. */
type LimitsOf<A extends readonly unknown[]> = { of(...args: A): readonly KeyedLimit[] }['of'];

/** Options of a task. An option that is left out follows `initialize`, then the environment, then the default given here. */
export interface TaskOptions<A extends readonly unknown[] = readonly unknown[]> {
  /** Name of the task in messages. @default the name of the function */
  readonly name?: string | undefined;
  /** Queue of its messages. @default `TASK_QUEUE_NAME`, else `default` */
  readonly queueName?: string | undefined;
  /** Retries after the first attempt: a whole number, 0 or more. @default `TASK_MAX_RETRIES`, else 3 */
  readonly maxRetries?: number | undefined;
  /** Wait before retry 1; retry n waits `retryDelay × 2^(n-1)`. @default `TASK_RETRY_DELAY`, else 15 s */
  readonly retryDelay?: Duration | undefined;
  /** Longest wait between attempts; not shorter than `retryDelay`. @default 1 h, or `retryDelay` if that is longer */
  readonly maxRetryDelay?: Duration | undefined;
  /** Used instead of `retryDelay` and `maxRetryDelay`. `maxRetries` still applies. */
  readonly retry?: RetryPolicy | undefined;
  /** Retry only these errors. @default all errors except `PermanentError` and `ValidationError` */
  readonly retryOn?: ErrorMatcher | readonly ErrorMatcher[] | undefined;
  /** Never retry these errors. Takes precedence over `retryOn`. */
  readonly giveUpOn?: ErrorMatcher | readonly ErrorMatcher[] | undefined;
  /**
   * Limit of `RetryLater` in one attempt: a number of times, or a duration such as `'1h'` for its runs and waits
   * together. Beyond it the message becomes a dead letter. @default no limit
   */
  readonly maxRetryLater?: number | string | undefined;
  /** Time limit of one attempt. @default `TASK_TIMEOUT`, else 600 s */
  readonly timeout?: Duration | undefined;
  /** How long the result is kept for `handle.result()`; `false` keeps none. @default false */
  readonly result?: Duration | false | undefined;
  /** Standard Schema (zod, valibot, arktype …) of the only argument, or a list with one schema for each argument. */
  readonly schema?: StandardSchemaV1 | readonly StandardSchemaV1[] | undefined;
  /**
   * Limits that every message needs a permit of: a list, or a function of the arguments that returns one. The sender calls
   * it, so it must be quick and synchronous. At most 8 limits.
   */
  readonly limits?: readonly KeyedLimit[] | LimitsOf<A> | undefined;
  /** Version of the arguments that the handler takes: a whole number, 1 or more. Raise it with each incompatible change. @default 1 */
  readonly version?: number | undefined;
  /**
   * For each version below `version`, a synchronous function that converts the list of arguments of that version to the
   * next one. Messages that an older version sent run after a deploy: they are converted step by step, then validated.
   */
  readonly upcast?: VersionOptions['upcast'];
  /**
   * Gives its queue three lanes, and `with({ priority })` to its senders. Workers take messages of the lanes high, normal
   * and low in the ratio 8 to 4 to 1, or in that order if they are `strict`. @default false
   */
  readonly priorities?: boolean | undefined;
}

/** Sends messages of a task. It may be called detached from the task. */
export interface Send<A extends readonly unknown[], R> {
  /**
   * Sends a message. Resolves once the broker has stored it.
   * @throws ValidationError (`ARGUMENTS_INVALID`) if the arguments do not match the schema
   * @throws SerializationError (`PAYLOAD_UNSERIALIZABLE`) for an argument that JSON cannot carry
   * @throws PayloadTooLargeError (`PAYLOAD_TOO_LARGE`) for more than `TASK_MAX_PAYLOAD`
   * @throws ConfigError for invalid settings
   * @throws UnsupportedFeatureError for an option that the broker does not support
   * @throws BrokerUnavailableError if the broker is unreachable for `TASK_SEND_TIMEOUT`
   * @example
   * const handle = await email.send('ada@example.com', 'Welcome');
   */
  (...args: A): Promise<TaskHandle<R>>;
  readonly task: TaskRef<A, R>;
  /** The option of this send that joins messages with the same key; `undefined` if it has none. */
  readonly joinedBy: keyof CollapseOptions | undefined;
  /**
   * Returns a sender with further options, in addition to those that are set already.
   * @throws ConfigError with the name of the invalid option
   * @example
   * await email.send.with({ delay: '10m' }).send('ada@example.com', 'Reminder');
   */
  with(options: SendOptions): Sender<A, R>;
}

/** Sends messages of one task with fixed options. It may be stored and used many times. */
export interface Sender<A extends readonly unknown[], R> {
  /** Sends a message with the options of this sender. */
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
   * Returns a sender with further options. Headers are merged; of every other option the last one counts.
   * @throws ConfigError with the name of the invalid option
   * @example
   * await email.with({ delay: '10m' }).send('ada@example.com', 'Reminder');
   */
  with(options: SendOptions): Sender<A, R>;
}

/**
 * A task for code that sends its messages and does not run it. Reading `queueName` resolves the settings of the manager if
 * the task has no queue of its own: it throws a ConfigError if they are invalid.
 */
export interface TaskRef<A extends readonly unknown[], R> extends Sender<A, R> {
  readonly taskName: string;
  readonly queueName: string;
  /**
   * Returns the handle of a message by its id, in any process. Opens nothing, and does not check whether there is such a
   * message: `await handle.status()` does.
   * @param options `queue`: the queue that the message was sent to @default the queue of the task
   * @throws ConfigError (`MESSAGE_ID_INVALID`) if `id` is not a string of 1 to 200 characters
   * @example
   * const { state } = await charge.handle(id).status();
   */
  handle(id: string, options?: { readonly queue?: string | undefined }): TaskHandle<R>;
}

/** A task. Its `send` sends a message; called as a function it runs the handler in this process, without a broker. */
export type Task<A extends readonly unknown[] = readonly unknown[], R = unknown> = TaskRef<A, Json<R>> &
  ((...args: A) => Promise<R>);
