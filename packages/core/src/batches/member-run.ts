import type { Logger } from 'pino';
import type { Delivery } from '../broker/delivery.ts';
import type { Message } from '../message/message.ts';
import { type RunOpeners, TaskRun } from '../task/task-run.ts';

/** The outcome that the handler of a batch set for one message. */
export type MemberOutcome = { readonly error: unknown } | { readonly value: unknown };

/** Ends the run of a message. */
export interface MemberEnding {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** The call that a message is part of. */
export interface MemberCall {
  /** The place of the next message among the deliveries of this call. */
  nextIndex(): number;
  /** Adds a message. @returns its outcome: settles when the call ends, or when the message is cancelled or lost */
  join(member: MemberRun, args: readonly unknown[]): Promise<unknown>;
  /** Adds a message whose run ends by `ending`. */
  joinDirectly(member: MemberRun, args: readonly unknown[], ending: MemberEnding): void;
  /** A message was aborted. @param isFirst whether it was not aborted before */
  aborted(member: MemberRun, reason: Error, isFirst: boolean): void;
  /** A message has ended, or nothing waits for it any longer. */
  ended(member: MemberRun): void;
}

/** The run of one message of a batch: it reports its abort and its end to the call that it is part of. */
export class MemberRun extends TaskRun {
  readonly message: Message;
  readonly call: MemberCall;
  readonly delivery: Delivery | undefined;
  /** Its place among the deliveries of the call. */
  readonly index: number;
  outcome: MemberOutcome | undefined;
  /** Ends the run; set once the message has joined the call. */
  ending: MemberEnding | undefined;
  item: unknown;

  /** @param delivery the delivery that runs; left out for an inline call */
  constructor(
    call: MemberCall,
    message: Message,
    maxRetries: number,
    logger: Logger,
    openers: RunOpeners,
    delivery?: Delivery,
  ) {
    super(message, maxRetries, logger, openers, delivery);
    this.delivery = delivery;
    this.message = message;
    this.call = call;
    this.index = call.nextIndex();
  }

  override abort(reason: Error): boolean {
    const isFirst = this.abortReason === undefined;
    const isReason = super.abort(reason);
    if (isReason) this.call.aborted(this, reason, isFirst);
    return isReason;
  }

  override end(): void {
    if (this.hasEnded) return;
    super.end();
    this.call.ended(this);
  }
}
