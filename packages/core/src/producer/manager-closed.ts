import { BrokerUnavailableError } from '../errors/errors.ts';

/** The error of calls to a task manager after its `close()`. */
export function managerClosed(): BrokerUnavailableError {
  return new BrokerUnavailableError('this task manager was closed; send before close(), or call initialize() again', {
    code: 'BROKER_CLOSED',
  });
}
