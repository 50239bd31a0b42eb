import { BrokkrError } from '../errors/brokkr-error.ts';
import type { TaskHandle } from '../task/task-handle.ts';

/** Of a batch, some messages were not stored, or none was. Both lists are as long as the batch, with gaps. */
export class SendManyError extends BrokkrError {
  /** What was stored, at its place in the batch. */
  readonly handles: readonly (TaskHandle | undefined)[];
  /** What went wrong, at its place in the batch. */
  readonly errors: readonly (Error | undefined)[];

  constructor(handles: readonly (TaskHandle | undefined)[], errors: readonly (Error | undefined)[]) {
    const failed = errors.filter((error) => error !== undefined);
    super(`sendMany: ${failed.length} of ${errors.length} messages were not stored: ${failed[0]?.message ?? ''}`, {
      code: 'SEND_MANY_FAILED',
      cause: failed[0],
    });
    this.handles = handles;
    this.errors = errors;
  }
}
