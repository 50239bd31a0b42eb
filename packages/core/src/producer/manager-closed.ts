import { BrokerUnavailableError } from '../errors/errors.ts';

/** For whoever asks something of a task manager after its `close()`. */
export function managerClosed(): BrokerUnavailableError {
  return new BrokerUnavailableError('this task manager was closed; send before close(), or call initialize() again', {
    code: 'BROKER_CLOSED',
  });
}
