import { BrokkrError } from '../errors/brokkr-error.ts';
import type { TaskHandle } from '../task/task-handle.ts';
import type { SendOutcome } from './send-outcome.ts';

/**
 * Some messages of `sendMany` were not stored, or may not be. The three lists have an entry for each message, in the
 * order of the batch.
 * @example
 * const again = batch.filter((_, index) => error.outcomes[index] === 'not stored');
 */
export class SendManyError extends BrokkrError {
  /** Handles of the messages that are stored. */
  readonly handles: readonly (TaskHandle | undefined)[];
  /** Errors of the others. */
  readonly errors: readonly (Error | undefined)[];
  /**
   * What became of each message. Only those with `'not stored'` may be sent again without care. A message with `'unknown'`
   * may be stored: if it is sent again, the task may run twice.
   */
  readonly outcomes: readonly SendOutcome[];

  constructor(
    handles: readonly (TaskHandle | undefined)[],
    errors: readonly (Error | undefined)[],
    outcomes: readonly SendOutcome[],
  ) {
    const first = errors.find((error) => error !== undefined);
    super(messageOf(outcomes, first), { code: 'SEND_MANY_FAILED', cause: first });
    this.handles = handles;
    this.errors = errors;
    this.outcomes = outcomes;
  }
}

function messageOf(outcomes: readonly SendOutcome[], first: Error | undefined): string {
  const count = (wanted: SendOutcome) => outcomes.filter((outcome) => outcome === wanted).length;
  const unknown = count('unknown');
  const parts = [`${count('stored')} stored`, `${count('not stored')} not stored`, `${unknown} unknown`];
  const advice =
    unknown === 0
      ? "send those whose outcome is 'not stored' again"
      : "send those whose outcome is 'not stored' again; those that are 'unknown' may be stored, and would run twice";
  return `sendMany: of ${outcomes.length} messages ${parts.join(', ')}: ${first?.message ?? 'no error'}; ${advice}`;
}
