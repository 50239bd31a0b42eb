import type { Logger } from 'pino';
import type { Message } from '../message/message.ts';
import { TaskRun } from '../task/task-run.ts';
import type { BatchCall } from './batch-call.ts';

/** The outcome that the handler of a batch set for one message. */
export type MemberOutcome = { readonly error: unknown } | { readonly value: unknown };

/** The run of one message of a batch: it reports its abort and its end to the call that it is part of. */
export class MemberRun extends TaskRun {
  readonly message: Message;
  readonly call: BatchCall;
  /** Its place among the deliveries of the call. */
  readonly index: number;
  outcome: MemberOutcome | undefined;
  /** Ends the run; set once the message has joined the call. */
  ending: { readonly resolve: (value: unknown) => void; readonly reject: (error: unknown) => void } | undefined;
  item: unknown;

  constructor(call: BatchCall, message: Message, maxRetries: number, fence: number, logger: Logger) {
    super(message, maxRetries, fence, logger);
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
