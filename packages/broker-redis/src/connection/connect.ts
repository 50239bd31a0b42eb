import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { databaseRefused } from './redis-errors.ts';
import type { RedisTarget } from './redis-url.ts';

export type Client = Redis | Cluster;

/** ioredis takes 0 for at once, and has no word for never. */
const NEVER_MS = 2 ** 31 - 1;

/** Full jitter up to 50 ms × 2^n, at most 2 s: a thousand workers do not come back in one instant. */
function retryStrategy(times: number): number {
  return Math.ceil(Math.random() * Math.min(2_000, 50 * 2 ** Math.min(times, 10)));
}

/** After a fail-over the old primary answers READONLY: connect anew, and send the command again. */
function reconnectOnError(error: Error): 2 | false {
  return error.message.startsWith('READONLY') ? 2 : false;
}

/**
 * A client for commands, not yet connected. Commands are not queued while it is away, since the caller waits with a
 * bound of its own; a socket that answers nothing for `silenceMs` is given up.
 */
export function connectTo(target: RedisTarget, silenceMs: number): Client {
  const common = {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 2,
    connectTimeout: target.connectTimeoutMs,
    socketTimeout: silenceMs,
    keepAlive: 10_000,
    retryStrategy,
    reconnectOnError,
    db: target.db,
    ...(target.username !== undefined && { username: target.username }),
    ...(target.password !== undefined && { password: target.password }),
    ...(target.tls !== undefined && { tls: target.tls }),
  } satisfies RedisOptions;
  if (target.kind === 'cluster') {
    const { db: _, lazyConnect, enableOfflineQueue, retryStrategy: strategy, ...redisOptions } = common;
    return new Cluster([...target.hosts], {
      lazyConnect: true,
      enableOfflineQueue: false,
      clusterRetryStrategy: retryStrategy,
      redisOptions,
    });
  }
  if (target.kind === 'unix') return new Redis({ ...common, path: target.path as string });
  if (target.kind === 'sentinel') {
    return new Redis({
      ...common,
      sentinels: [...target.hosts],
      name: target.master as string,
      sentinelRetryStrategy: retryStrategy,
      // Without these two the client talks in the clear, to the Sentinels and to the primary they name.
      ...(target.tls !== undefined && { sentinelTLS: target.tls, enableTLSForSentinelMode: true }),
      ...(target.sentinelPassword !== undefined && { sentinelPassword: target.sentinelPassword }),
    });
  }
  const [only] = target.hosts;
  return new Redis({ ...common, host: only?.host ?? 'localhost', port: only?.port ?? 6_379 });
}

/**
 * Ends a connection whose server has not given it its database, before anything is sent on it: it stands in database
 * 0, and so would all that the client holds back to send again.
 * @param reconnect whether the client tries again
 */
export function leaveWrongDatabase(client: Client, reconnect: boolean): void {
  client.on('error', (error: unknown) => {
    if (databaseRefused(error) !== undefined) client.disconnect(reconnect);
  });
}

/** Of a client that was connected before anybody listened to what it says: whether it stands in its database. */
export async function selectDatabase(client: Client): Promise<void> {
  // Where it has chosen another one since, it stands in that.
  const database = client instanceof Redis ? (client.condition?.select ?? client.options.db) : undefined;
  if (database && client instanceof Redis) await client.select(database);
}

/**
 * A connection of its own for calls that block, or for what is published: never shared with anything else. Silence is
 * what it is for, so whoever waits on it judges when it is dead.
 */
export function duplicateFor(client: Client): Client {
  const duplicate = waitingDuplicate(client);
  leaveWrongDatabase(duplicate, false);
  return duplicate;
}

function waitingDuplicate(client: Client): Client {
  const waiting = { enableOfflineQueue: true, maxRetriesPerRequest: null, socketTimeout: NEVER_MS };
  if (client instanceof Cluster) {
    return client.duplicate([], { lazyConnect: true, enableOfflineQueue: true, redisOptions: waiting });
  }
  return client.duplicate({ ...waiting, lazyConnect: true });
}
