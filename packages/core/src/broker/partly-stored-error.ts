import { BrokkrError } from '../errors/brokkr-error.ts';
import type { PublishReceipt } from './broker.ts';

/**
 * Thrown by `Broker.publish` if some envelopes were stored and some were not: each sender gets its own outcome. A
 * broker that stores all or nothing does not need it.
 * @example
 * throw new PartlyStoredError([{ id: 'a', isNew: true }, new BrokerUnavailableError('the queue is full', { code:
 * 'BROKER_FULL' })]);
 */
export class PartlyStoredError extends BrokkrError {
  /** One for each envelope, in order: its receipt, or the error that says why it was not stored, or may not be. */
  readonly outcomes: readonly (PublishReceipt | BrokkrError)[];

  constructor(outcomes: readonly (PublishReceipt | BrokkrError)[]) {
    const errors = outcomes.filter((outcome) => BrokkrError.is(outcome));
    super(`${errors.length} of ${outcomes.length} messages were not confirmed: ${errors[0]?.message ?? ''}`, {
      code: 'PARTLY_STORED',
      cause: errors[0],
    });
    this.outcomes = outcomes;
  }

  /** Returns whether a value is such an error, also one of a second copy of this package. */
  static override is(error: unknown): error is PartlyStoredError {
    return BrokkrError.is(error) && error.code === 'PARTLY_STORED';
  }
}
