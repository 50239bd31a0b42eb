import { BrokkrError } from '@brokkr/core/adapter';
import type { ErrorBody } from '../api/types.ts';

/**
 * An error of a broker as users see it: code and message of our own errors, which hold no secrets. Other errors are not
 * shown, because their messages may hold secrets.
 */
export function shownError(error: unknown): ErrorBody['error'] {
  if (BrokkrError.is(error)) return { code: error.code, message: error.message };
  return { code: 'BROKER_FAILED', message: 'the broker could not be asked; the log of the dashboard has the error' };
}
