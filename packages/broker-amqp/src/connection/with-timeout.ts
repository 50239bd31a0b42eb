import { blocked, replyCode, unavailable } from './amqp-errors.ts';

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
  let timer: NodeJS.Timeout | undefined;
  // Not a timer that is aborted: its error would take more time than the question, and a census asks thousands.
  const tooLong = new Promise<never>((_, reject) => {
    const fail = () =>
      reject(connection.isBlocked ? blocked() : unavailable(new Error('no answer came in time'), connection.address));
    // After a block of the event loop the answer may be in the socket, which is read before the next turn.
    timer = setTimeout(() => setImmediate(fail), connection.timeoutMs).unref();
  });
  answer.catch(() => undefined);
  try {
    return await Promise.race([answer, tooLong]);
  } catch (error) {
    throw replyCode(error) === undefined ? unavailable(error, connection.address) : error;
  } finally {
    clearTimeout(timer);
  }
}
