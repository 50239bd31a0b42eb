// From the module: tests that fake timers replace the global function, and a wait would never end.
import { setImmediate } from 'node:timers';
import { type Clock, systemClock, TimeLimit } from '@brokkr/core/adapter';
import { blocked, replyCode, unavailable } from './amqp-errors.ts';

/** A wait keeps no process alive: its connection does. */
const clock: Clock = {
  ...systemClock,
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

/**
 * Waits for an answer of the server for at most `timeoutMs`. Without a limit, a caller would wait for as long as an alarm
 * stops the connection, or until a heartbeat finds that the connection is half open.
 *
 * @throws BrokerUnavailableError if no answer came, or the connection broke. A refusal keeps its reply code, so that the
 * caller can explain it.
 */
export async function withTimeout<T>(
  connection: { readonly isBlocked: boolean; readonly timeoutMs: number; readonly address: string },
  answer: Promise<T>,
): Promise<T> {
  let limit: TimeLimit | undefined;
  // Not a timer that is aborted: its error would take more time than the question, and a census asks thousands.
  const tooLong = new Promise<never>((_, reject) => {
    const fail = () =>
      reject(connection.isBlocked ? blocked() : unavailable(new Error('no answer came in time'), connection.address));
    // After a short block of the event loop the answer may be in the socket, which is read before the next turn.
    limit = new TimeLimit(clock, connection.timeoutMs, () => setImmediate(fail));
  });
  answer.catch(() => undefined);
  try {
    return await Promise.race([answer, tooLong]);
  } catch (error) {
    throw replyCode(error) === undefined ? unavailable(error, connection.address) : error;
  } finally {
    limit?.clear();
  }
}
