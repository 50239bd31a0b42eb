import { BrokkrError } from '../errors/brokkr-error.ts';
import type { PublishReceipt } from './broker.ts';

/**
 * What `Broker.publish` rejects with where some envelopes were stored and some were not: each sender is told of its own.
 * A broker that stores all or nothing has no need of it.
 */
export class PartlyStoredError extends BrokkrError {
  /** One for each envelope, in their order: its receipt, or why it was not stored (or why nobody can tell). */
  readonly outcomes: readonly (PublishReceipt | BrokkrError)[];

  constructor(outcomes: readonly (PublishReceipt | BrokkrError)[]) {
    const errors = outcomes.filter((outcome) => BrokkrError.is(outcome));
    super(`${errors.length} of ${outcomes.length} messages were not confirmed: ${errors[0]?.message ?? ''}`, {
      code: 'PARTLY_STORED',
      cause: errors[0],
    });
    this.outcomes = outcomes;
  }

  /** True also for one from a second copy of this package. */
  static override is(error: unknown): error is PartlyStoredError {
    return BrokkrError.is(error) && error.code === 'PARTLY_STORED';
  }
}
