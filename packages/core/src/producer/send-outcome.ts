import { BrokkrError } from '../errors/brokkr-error.ts';
import { BrokerUnavailableError } from '../errors/errors.ts';

/** Outcome of a sent message: stored, not stored, or unknown because the broker's answer was lost. */
export type SendOutcome = 'stored' | 'not stored' | 'unknown';

/** Codes with which a broker reports that it stored nothing. With any other code the message may be stored. */
const NOTHING_STORED = new Set(['BROKER_CLOSED', 'BROKER_FULL', 'BROKER_UNROUTABLE']);

/** What became of a message whose publishing was rejected. */
export function outcomeOf(error: unknown): SendOutcome {
  if (!BrokkrError.is(error)) return 'unknown';
  if (error.name !== BrokerUnavailableError.name) return 'not stored';
  const { mayBeStored = !NOTHING_STORED.has(error.code) } = error as BrokerUnavailableError;
  return mayBeStored ? 'unknown' : 'not stored';
}
