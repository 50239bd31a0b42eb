import type { Logger } from 'pino';
import type { PublishReceipt } from '../broker/broker.ts';
import type { Message } from '../message/message.ts';
import type { TaskDefinition } from '../task/task-definition.ts';

/** A message on its way out: its headers may still be written. */
export interface OutgoingMessage extends Omit<Message, 'headers'> {
  readonly headers: Record<string, string>;
}

interface MiddlewareContext {
  readonly task: TaskDefinition;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

/**
 * One message on its way out, for `Middleware.send`: arguments are checked and encoded by then, headers may be written.
 * Its `signal` never aborts: publishing ends by a limit of its own, `TASK_SEND_TIMEOUT`.
 */
export interface SendContext extends MiddlewareContext {
  readonly message: OutgoingMessage;
}

/**
 * One attempt, for `Middleware.handle`. Its `signal` aborts at the task's timeout, a lost lease and a shutdown, as
 * `currentTask().signal` does; its `logger` writes the message's id, task and attempt into each line.
 */
export interface HandleContext extends MiddlewareContext {
  readonly message: Message;
}

/**
 * Code around sending, around handling, or both: an onion, the first one outermost. It may refuse (throw), wait,
 * set headers or replace a result; it cannot lose a task, since settling and retrying are not among them. What ends
 * without having called `next`, or having called it twice, has failed (`MIDDLEWARE_SKIPPED`, `MIDDLEWARE_NEXT_TWICE`);
 * what ends before its `next` has, is waited for.
 */
export interface Middleware {
  /** For errors and logs. */
  readonly name: string;
  /** Around sending; `next` resolves once the message is stored. The receipt is the broker's, whatever is returned. */
  send?(context: SendContext, next: () => Promise<PublishReceipt>): Promise<PublishReceipt>;
  /** Around the handler; `next` resolves with its result, and what is returned is the result. */
  handle?(context: HandleContext, next: () => Promise<unknown>): Promise<unknown>;
}
