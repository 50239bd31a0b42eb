import { BrokerUnavailableError } from '@brokkr/core/adapter';

/** What everything of a memory broker that was closed answers with. */
export function closedError(): BrokerUnavailableError {
  return new BrokerUnavailableError('the memory broker is closed', { code: 'BROKER_CLOSED' });
}
