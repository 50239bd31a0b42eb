import { BrokerUnavailableError, BrokkrError, ConfigError } from '@brokkr/core/adapter';
import { readSpoiledKey, spoiledKeyError } from '../scripts/spoiled-key.ts';

/** Errors of a server that starts or fails over, and of a broken connection: the call may succeed if it is sent again. */
const PASSING =
  /^(READONLY|LOADING|MASTERDOWN|UNBLOCKED|TRYAGAIN|CLUSTERDOWN|BUSY|NOREPLICAS)\b|Connection is closed|isn't writeable|max retries per request|Command timed out|Socket timeout|ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN|None of startup nodes|Failed to refresh slots/i;

/** Errors of a server that refuses this user, or this command of this user. */
const REFUSAL = /^(WRONGPASS|NOAUTH|NOPERM)\b/;

export function isRefusal(error: unknown): boolean {
  return error instanceof Error && (REFUSAL.test(error.message) || databaseRefused(error) !== undefined);
}

/**
 * Returns the database that the client asked for when it connected, if `error` is the refusal of that. The client
 * reports it once and continues in database 0.
 */
export function databaseRefused(error: unknown): string | undefined {
  const { command } = error as { command?: { readonly name?: unknown; readonly args?: readonly unknown[] } };
  return command?.name === 'select' ? String(command.args?.[0]) : undefined;
}

export function isPassing(error: unknown): boolean {
  return error instanceof Error && (PASSING.test(messageOf(error)) || error.name === 'MaxRetriesPerRequestError');
}

/**
 * Converts any failure of a call to an error of Brokkr.
 * @param address address of the server, for people: `127.0.0.1:6379`
 */
export function asBrokerError(failure: unknown, address: string): BrokkrError {
  if (BrokkrError.is(failure)) return failure;
  const database = databaseRefused(failure);
  const cause = withoutArguments(failure);
  const message = messageOf(cause);
  const spoiled = readSpoiledKey(message);
  if (spoiled !== undefined) return spoiledKeyError(spoiled, cause);
  if (/^OOM\b/.test(message)) {
    return new BrokerUnavailableError(
      `Redis at ${address} is full (OOM, maxmemory reached): nothing was stored; raise maxmemory, or let the workers catch up`,
      { code: 'BROKER_FULL', cause },
    );
  }
  if (database !== undefined && !REFUSAL.test(message)) {
    return new ConfigError(
      `Redis at ${address} has no database ${database} (${message.slice(0, 200)}); use a database that it has, a cluster has 0 only, or raise databases in its configuration`,
      { code: 'DATABASE_UNKNOWN', cause },
    );
  }
  if (isPassing(cause)) return unreachable(cause, address);
  return new BrokerUnavailableError(`Redis at ${address} refused: ${message.slice(0, 200)}`, {
    code: 'BROKER_REFUSED',
    cause,
  });
}

/** The error for a server that cannot be reached within the timeout. */
export function unreachable(failure: unknown, address: string): BrokkrError {
  const cause = withoutArguments(failure);
  return new BrokerUnavailableError(
    `cannot reach Redis at ${address}: ${rootMessageOf(cause).slice(0, 200)}; check that it is running and that the URL is right: TASK_BROKER_URL, or that of a store, TASK_STORE_URL or TASK_RESULT_URL`,
    { cause },
  );
}

/** The same error of a process that has sent nothing yet: its message may be sent again. */
export function nothingStored(error: BrokkrError): BrokkrError {
  if (!(error instanceof BrokerUnavailableError)) return error;
  const { message, code, cause } = error;
  return new BrokerUnavailableError(message, { code, cause, mayBeStored: false });
}

/** A server that accepts connections and answers nothing. One that speaks another protocol waits for more bytes. */
export function noAnswer(waitedMs: number): Error {
  return new Error(
    `no answer within ${Math.ceil(waitedMs)} ms, although it may listen: rediss: needs TLS on this port, redis: needs none`,
  );
}

/** ioredis keeps the sent command in its errors, with passwords and user data. Removes it from this one. */
export function withoutArguments(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  // The number of a database is not secret, and shows why it failed.
  if ('command' in error && databaseRefused(error) === undefined) error.command = undefined;
  // A cluster keeps the last error of a node.
  if ('lastNodeError' in error) withoutArguments(error.lastNodeError);
  return error;
}

export function closedError(): BrokkrError {
  return new BrokerUnavailableError('the Redis broker is closed', { code: 'BROKER_CLOSED' });
}

/** A host with several addresses fails with an AggregateError, which has a code and no message. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== '') return error.message;
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : error.name;
}

/** A cluster reports only that it found no node; the error of the last node has the reason. */
function rootMessageOf(error: unknown): string {
  const { lastNodeError } = (error ?? {}) as { readonly lastNodeError?: unknown };
  return messageOf(lastNodeError instanceof Error ? lastNodeError : error);
}
