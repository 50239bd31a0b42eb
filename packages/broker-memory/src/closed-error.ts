import { BrokerUnavailableError } from '@brokkr/core/adapter';

/** The error of every call on a closed memory broker. */
export function closedError(): BrokerUnavailableError {
  return new BrokerUnavailableError('the memory broker is closed', { code: 'BROKER_CLOSED' });
}
