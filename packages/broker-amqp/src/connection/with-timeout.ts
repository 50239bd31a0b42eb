import { setTimeout as sleep } from 'node:timers/promises';
import { blocked, replyCode, unavailable } from './amqp-errors.ts';

/**
 * What the server answers, for as long as there is patience: an alarm stops a connection while it lasts, and one that
 * is half open is found by its heartbeat only.
 * @throws BrokerUnavailableError where no answer came, or the connection broke meanwhile; what the server refuses comes
 * with its reply code, for the caller to explain
 */
export async function within<T>(
  patienceMs: number,
  connection: { readonly isBlocked: boolean },
  asked: Promise<T>,
): Promise<T> {
  const waited = new AbortController();
  const tooLong = sleep(patienceMs, undefined, { signal: waited.signal, ref: false }).then(() => {
    throw connection.isBlocked ? blocked() : unavailable(new Error('no answer came in time'));
  });
  tooLong.catch(() => undefined);
  asked.catch(() => undefined);
  try {
    return await Promise.race([asked, tooLong]);
  } catch (error) {
    throw replyCode(error) === undefined ? unavailable(error) : error;
  } finally {
    waited.abort();
  }
}
