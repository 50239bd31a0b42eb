import { BrokerUnavailableError, BrokkrError, ConfigError } from '@brokkr/core';
import { readSpoiledKey, spoiledKeyError } from '../scripts/spoiled-key.ts';

/** Answers of a server that is on its way, and what a broken connection says: trying again is right. */
const PASSING =
  /^(READONLY|LOADING|MASTERDOWN|UNBLOCKED|TRYAGAIN|CLUSTERDOWN|BUSY|NOREPLICAS)\b|Connection is closed|isn't writeable|max retries per request|Command timed out|Socket timeout|ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN|None of startup nodes|Failed to refresh slots/i;

/** A server that lets this user in, or do this, under no circumstances. */
const REFUSAL = /^(WRONGPASS|NOAUTH|NOPERM)\b/;

export function isRefusal(error: unknown): boolean {
  return error instanceof Error && (REFUSAL.test(error.message) || databaseRefused(error) !== undefined);
}

/**
 * The database that a client asked for when it connected and was not given, if `error` says so. The client says it
 * once and goes on, in database 0.
 */
export function databaseRefused(error: unknown): string | undefined {
  const { command } = error as { command?: { readonly name?: unknown; readonly args?: readonly unknown[] } };
  return command?.name === 'select' ? String(command.args?.[0]) : undefined;
}

export function isPassing(error: unknown): boolean {
  return error instanceof Error && (PASSING.test(error.message) || error.name === 'MaxRetriesPerRequestError');
}

/** Any failure of a call, as one of ours. */
export function asBrokerError(failure: unknown): BrokkrError {
  if (BrokkrError.is(failure)) return failure;
  const database = databaseRefused(failure);
  const cause = withoutArguments(failure);
  const message = cause instanceof Error ? cause.message : String(cause);
  const spoiled = readSpoiledKey(message);
  if (spoiled !== undefined) return spoiledKeyError(spoiled, cause);
  if (/^OOM\b/.test(message)) {
    return new BrokerUnavailableError(
      'Redis is full (OOM, maxmemory reached): nothing was stored; give it memory or let the workers catch up',
      { code: 'BROKER_FULL', cause },
    );
  }
  if (database !== undefined && !REFUSAL.test(message)) {
    return new ConfigError(
      `Redis has no database ${database} (${message.slice(0, 200)}); name one that it has, a cluster has 0 only, or raise databases in its configuration`,
      { code: 'DATABASE_UNKNOWN', cause },
    );
  }
  if (isPassing(cause)) return new BrokerUnavailableError('Redis cannot be reached now; see the cause', { cause });
  return new BrokerUnavailableError(`Redis refused: ${message.slice(0, 200)}`, { code: 'BROKER_REFUSED', cause });
}

/** The client leaves in its errors what it had sent, passwords and what users send: they are taken out of this one. */
export function withoutArguments(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  // The number of a database is no secret, and tells what failed.
  if ('command' in error && databaseRefused(error) === undefined) error.command = undefined;
  // Of a cluster, what its last node said.
  if ('lastNodeError' in error) withoutArguments(error.lastNodeError);
  return error;
}

export function closedError(): BrokkrError {
  return new BrokerUnavailableError('the Redis broker is closed', { code: 'BROKER_CLOSED' });
}
