import type { Logger } from 'pino';
import type { PublishReceipt } from '../broker/broker.ts';
import type { Message } from '../message/message.ts';
import type { TaskDefinition } from '../task/task-definition.ts';

/** A message that is being sent. Middleware may add headers. */
export interface OutgoingMessage extends Omit<Message, 'headers'> {
  readonly headers: Record<string, string>;
}

/** The messages of one call: one chunk of a `sendMany`, at most 500. Their contexts have the same object. */
export interface SendBatch {
  readonly size: number;
}

interface MiddlewareContext {
  readonly task: TaskDefinition;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

/**
 * Context of `Middleware.send`: one message that is being sent. Its arguments are checked and encoded already. Its
 * `signal` never aborts; `TASK_SEND_TIMEOUT` limits the publishing.
 */
export interface SendContext extends MiddlewareContext {
  readonly message: OutgoingMessage;
  /** The chunk that the message belongs to; `undefined` if it was sent alone. */
  readonly batch?: SendBatch | undefined;
}

/**
 * Context of `Middleware.handle`: one attempt. Its `signal` is that of `currentTask()`: it aborts at the task's
 * timeout, at a lost lease and at shutdown. The lines of its `logger` carry the id, task and attempt of the message.
 */
export interface HandleContext extends MiddlewareContext {
  readonly message: Message;
  /** Adds fields to the log lines of this attempt that are written from now on. */
  bind(fields: Readonly<Record<string, string>>): void;
}

/**
 * Code that runs around sends, around attempts, or both. The first middleware is the outermost. It may throw, wait, add
 * headers or replace a result. It does not settle messages or schedule retries.
 *
 * A function that ends without calling `next` fails with `MIDDLEWARE_SKIPPED`; a second call of `next` throws
 * `MIDDLEWARE_NEXT_TWICE`. If a function ends before its `next`, the worker waits for `next`.
 * @example
 * tm.use({ name: 'tenant', send: (context, next) => { context.message.headers.tenant = tenant(); return next(); } });
 */
export interface Middleware {
  /** Name for errors and logs. */
  readonly name: string;
  /**
   * Runs around a send. `next` resolves once the message is stored. The sender gets the broker's receipt, whatever this
   * function returns.
   */
  send?(context: SendContext, next: () => Promise<PublishReceipt>): Promise<PublishReceipt>;
  /**
   * Runs around the handler. `next` resolves with the result of the handler; the value returned here is the result of
   * the task.
   */
  handle?(context: HandleContext, next: () => Promise<unknown>): Promise<unknown>;
  /**
   * Is called before each send and each attempt. While every middleware returns `true`, none is called: the message takes
   * the path that it takes without middleware. Keep it short. @default never idle
   */
  isIdle?(): boolean;
}
