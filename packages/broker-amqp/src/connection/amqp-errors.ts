import {
  BrokerUnavailableError,
  BrokkrError,
  ConfigError,
  PayloadTooLargeError,
  SerializationError,
} from '@brokkr/core/adapter';
import { OpenRefusedError } from './open-refused-error.ts';

/** Reply codes of the protocol (AMQP 0-9-1, section 1.8) that mean more than that a connection broke. */
export const NOT_FOUND = 404;
const ACCESS_REFUSED = 403;
const PRECONDITION_FAILED = 406;

export function replyCode(error: unknown): number | undefined {
  const code: unknown = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'number' ? code : undefined;
}

/** Whether a queue or exchange does not exist. The server also answers 404 for a queue whose node is down. */
export function isMissing(error: unknown): boolean {
  return replyCode(error) === NOT_FOUND && /no (queue|exchange)/.test(String(error));
}

export function isRefused(error: unknown): boolean {
  return replyCode(error) === ACCESS_REFUSED;
}

/**
 * Explains a declaration that failed.
 * @param what names the queue or exchange
 * @param address address of the server, for an error that is not a refusal
 */
export function declarationError(what: string, cause: unknown, address: string): BrokkrError {
  if (BrokkrError.is(cause)) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  if (replyCode(cause) === PRECONDITION_FAILED) {
    const detail = /PRECONDITION_FAILED - ([^"]*)/.exec(text)?.[1] ?? text;
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
  return unavailable(cause, address);
}

/** @param address host and port of the server */
export function unavailable(cause: unknown, address: string): BrokerUnavailableError {
  if (cause instanceof BrokerUnavailableError) return cause;
  const reason = reasonOf(cause);
  if (cause instanceof OpenRefusedError && /\blimit\b/.test(reason)) {
    return new BrokerUnavailableError(
      `RabbitMQ at ${address} accepts no further connection: ${reason}; close other connections, or raise the limit. Each process opens two.`,
      { code: 'CONNECTION_LIMIT', cause },
    );
  }
  if (isLoginRefused(cause)) {
    return new BrokerUnavailableError(`RabbitMQ at ${address} refused: ${reason}`, { code: 'BROKER_REFUSED', cause });
  }
  return new BrokerUnavailableError(
    `cannot reach RabbitMQ at ${address}: ${reason}; check that it is running and that TASK_BROKER_URL is right`,
    { cause },
  );
}

/** The server answers, but not fast enough to be asked for everything. @param what a queue or an exchange */
export function tooSlow(what: string, address: string): BrokerUnavailableError {
  return new BrokerUnavailableError(
    `RabbitMQ at ${address} was not asked for ${what}: the answers about other queues took all the time; ask for fewer queues at once, or when the server has less to do`,
    { code: 'BROKER_SLOW', mayBeStored: false },
  );
}

/** The same error of a process that never had a connection: its message may be sent again. */
export function nothingStored({ message, code, cause }: BrokerUnavailableError): BrokerUnavailableError {
  return new BrokerUnavailableError(message, { code, cause, mayBeStored: false });
}

/** One line for a cause. An error that Node throws for several addresses has no message. */
function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.message === '') return reasonOf(cause.errors[0]);
  const [line = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
  return line.slice(0, 200);
}

/** The client sets no reply code for a refused login. */
function isLoginRefused(cause: unknown): boolean {
  return (
    cause instanceof OpenRefusedError ||
    (cause instanceof Error && cause.message.startsWith('Handshake terminated by server: 403'))
  );
}

/** `channel_max` of the server is reached. @param most channels that it allows in one connection */
export function channelLimit(most: number, cause: unknown): BrokerUnavailableError {
  return new BrokerUnavailableError(
    `all ${most} channels that RabbitMQ allows in one connection are in use; raise channel_max on the server, or use fewer queues in one process`,
    { code: 'CHANNEL_LIMIT', cause },
  );
}

export function blocked(): BrokerUnavailableError {
  return new BrokerUnavailableError('RabbitMQ accepts no messages now: an alarm for memory or disk is on', {
    code: 'BROKER_BLOCKED',
  });
}

export function closedError(): BrokerUnavailableError {
  return new BrokerUnavailableError('the RabbitMQ broker is closed', { code: 'BROKER_CLOSED' });
}

/** Whether the client reports a channel that has just closed, and not a message that it cannot encode. */
export function isClosed(error: unknown): boolean {
  return error instanceof Error && error.name === 'IllegalOperationError';
}

/** @param limit bytes of headers that one frame of this server holds (`frame_max`) */
export function headersTooLarge(bytes: number, limit: number): BrokkrError {
  return new SerializationError(
    `headers of ${bytes} bytes are over the limit of this RabbitMQ, ${limit} (from frame_max); send fewer or shorter headers`,
    { path: 'headers', code: 'HEADERS_TOO_LARGE' },
  );
}

/** The error for a message that the client cannot encode. */
export function cannotEncode(cause: unknown): BrokkrError {
  return new SerializationError('this message cannot be encoded for RabbitMQ; send fewer or shorter headers', {
    path: 'headers',
    code: 'HEADERS_TOO_LARGE',
    cause,
  });
}

/** Returns the server's `max_message_size`, if the server closed a channel because of it. */
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

/** The error of a server that speaks another protocol: it waits for more bytes. */
export function noAnswer(waitedMs: number): Error {
  return new Error(
    `no answer within ${Math.ceil(waitedMs)} ms; see that RabbitMQ listens on this port, with TLS for amqps: and without for amqp:`,
  );
}
