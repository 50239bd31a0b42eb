import {
  BrokerUnavailableError,
  BrokkrError,
  ConfigError,
  PayloadTooLargeError,
  SerializationError,
} from '@brokkr/core/adapter';

/** Reply codes of the protocol (AMQP 0-9-1, section 1.8) that mean more than that a connection broke. */
export const NOT_FOUND = 404;
const ACCESS_REFUSED = 403;
const PRECONDITION_FAILED = 406;

export function replyCode(error: unknown): number | undefined {
  const code: unknown = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'number' ? code : undefined;
}

export function isRefused(error: unknown): boolean {
  return replyCode(error) === ACCESS_REFUSED;
}

/** A declaration that fails, as one of ours. `what` names the queue or exchange. */
export function declarationError(what: string, cause: unknown): BrokkrError {
  if (BrokkrError.is(cause)) return cause;
  const said = cause instanceof Error ? cause.message : String(cause);
  if (replyCode(cause) === PRECONDITION_FAILED) {
    const detail = /PRECONDITION_FAILED - ([^"]*)/.exec(said)?.[1] ?? said;
    return new ConfigError(
      `${what} exists with other arguments (${detail.slice(0, 300)}): empty and delete it, or set another TASK_NAMESPACE`,
      { code: 'QUEUE_MISMATCH', cause },
    );
  }
  if (replyCode(cause) === ACCESS_REFUSED || replyCode(cause) === NOT_FOUND) {
    return new ConfigError(
      `${what} does not exist, or this user may neither declare nor use it: let a user with the configure permission declare it, or grant it (docs/rabbitmq.md)`,
      { code: 'QUEUE_REFUSED', cause },
    );
  }
  return unavailable(cause);
}

export function unavailable(cause: unknown): BrokerUnavailableError {
  if (cause instanceof BrokerUnavailableError) return cause;
  if (isLoginRefused(cause)) {
    return new BrokerUnavailableError(`RabbitMQ refused: ${cause.message.slice(0, 200)}`, {
      code: 'BROKER_REFUSED',
      cause,
    });
  }
  return new BrokerUnavailableError('RabbitMQ cannot be reached now; see the cause', { cause });
}

/** The client gives a refused greeting no reply code of its own. */
function isLoginRefused(cause: unknown): cause is Error {
  return (
    cause instanceof Error && /^(Handshake terminated by server: 403|there is no virtual host)/.test(cause.message)
  );
}

export function blocked(): BrokerUnavailableError {
  return new BrokerUnavailableError('RabbitMQ takes no messages now: an alarm for memory or disk is on', {
    code: 'BROKER_BLOCKED',
  });
}

export function closedError(): BrokerUnavailableError {
  return new BrokerUnavailableError('the RabbitMQ broker is closed', { code: 'BROKER_CLOSED' });
}

/** What the client throws of a channel that has just closed, in distinction from a message that it cannot write. */
export function isClosed(error: unknown): boolean {
  return error instanceof Error && error.name === 'IllegalOperationError';
}

/** Its properties are more than the client writes: 64 KiB. */
export function headersTooLarge(cause: unknown): BrokkrError {
  return new SerializationError('the headers of a message are too large for RabbitMQ; send fewer, or shorter ones', {
    path: 'headers',
    code: 'HEADERS_TOO_LARGE',
    cause,
  });
}

/** The server's `max_message_size`, where that is why it closed a channel. */
export function mostBytesOf(error: unknown): number | undefined {
  const most = error instanceof Error ? /larger than configured max size (\d+)/.exec(error.message)?.[1] : undefined;
  return most === undefined ? undefined : Number(most);
}

export function tooLarge(size: number, limit: number): BrokkrError {
  return new PayloadTooLargeError(
    `payload of ${size} bytes is over the limit of this RabbitMQ, ${limit} (max_message_size); store it elsewhere and send a reference`,
    { size, limit },
  );
}
