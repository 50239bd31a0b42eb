import { ConfigError } from '@brokkr/core/adapter';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { OWN_CLUSTER_OPTIONS, OWN_OPTIONS } from './client-options.ts';
import { databaseRefused } from './redis-errors.ts';
import type { RedisTarget } from './redis-url.ts';

export type Client = Redis | Cluster;

/** ioredis reads 0 as "at once", and has no value for "never". */
const NEVER_MS = 2 ** 31 - 1;

/** Whether `client` talks to a cluster; also if it comes from another copy of ioredis. */
export function isCluster(client: Client): client is Cluster {
  return client.isCluster;
}

/**
 * Creates a client for commands, which is not connected yet. The calls have time limits of their own (see `Connection`):
 * one of the client would end after a handler has blocked the event loop, whatever the server has answered.
 */
export function connectTo(target: RedisTarget): Client {
  const common = {
    ...OWN_OPTIONS,
    connectTimeout: target.connectTimeoutMs,
    socketTimeout: NEVER_MS,
    keepAlive: 10_000,
    ...(target.username !== undefined && { username: target.username }),
    ...(target.password !== undefined && { password: target.password }),
    ...(target.tls !== undefined && { tls: target.tls }),
  } satisfies RedisOptions;
  if (target.kind === 'cluster') {
    return new Cluster([...target.hosts], { ...OWN_CLUSTER_OPTIONS, redisOptions: forNodes(common) });
  }
  const single = { ...common, db: target.db };
  if (target.kind === 'sentinel') {
    return new Redis({
      ...single,
      sentinels: [...target.hosts],
      name: target.master as string,
      // Without these two the client talks in the clear, to the Sentinels and to the primary they name.
      ...(target.tls !== undefined && { sentinelTLS: target.tls, enableTLSForSentinelMode: true }),
      ...(target.sentinelPassword !== undefined && { sentinelPassword: target.sentinelPassword }),
    });
  }
  // The ready check asks for INFO, which a restricted user may lack. The calls wait for a server that is loading anyway.
  if (target.kind === 'unix') return new Redis({ ...single, path: target.path as string, enableReadyCheck: false });
  const [only] = target.hosts;
  const { host, port } = only ?? { host: 'localhost', port: 6_379 };
  return new Redis({ ...single, host, port, enableReadyCheck: false });
}

/**
 * Creates a connection of the broker's own to the server of an application's client. The address, login, TLS, database
 * and key prefix are those of `client`. The options that change how commands behave are replaced: the application may
 * choose them as it likes, and may use its client for anything, also for commands that block.
 */
export function connectLike(client: Client): Client {
  if (isCluster(client)) {
    const redisOptions = forNodes({ ...OWN_OPTIONS, socketTimeout: NEVER_MS });
    return client.duplicate([], { ...OWN_CLUSTER_OPTIONS, redisOptions });
  }
  // The application may have chosen another database since it connected.
  const db = client.condition?.select ?? client.options.db ?? 0;
  const enableReadyCheck = client.options.sentinels != null;
  return new Redis({ ...client.options, ...OWN_OPTIONS, db, socketTimeout: NEVER_MS, enableReadyCheck });
}

/** @throws ConfigError (`CLIENT_INVALID`) if `client` is not a client of ioredis */
export function checkClient(client: unknown): void {
  const { isCluster, options, sendCommand } = (client ?? {}) as Partial<Redis>;
  if (typeof isCluster === 'boolean' && typeof options === 'object' && typeof sendCommand === 'function') return;
  throw new ConfigError(
    'new RedisBroker: client must be a Redis or Cluster of the package ioredis; create one with new Redis(url), or pass a url',
    { code: 'CLIENT_INVALID' },
  );
}

/** The options for the nodes of a cluster. The cluster itself connects, reconnects and queues. */
function forNodes<T extends typeof OWN_OPTIONS>(options: T) {
  const { lazyConnect: _, enableOfflineQueue, retryStrategy, readOnly, himportFieldsets, scripts, ...others } = options;
  return { ...others, enableReadyCheck: false };
}

/**
 * Ends a connection if its server refused to select the database, before a command is sent on it: it is in database 0,
 * and so would be all the commands that the client holds back to send again.
 * @param reconnect whether the client tries again
 */
export function leaveWrongDatabase(client: Client, reconnect: boolean): void {
  client.on('error', (error: unknown) => {
    if (databaseRefused(error) !== undefined) client.disconnect(reconnect);
  });
}

/**
 * Creates another connection like `client`, for calls that block or for subscriptions: never shared with commands. It
 * may be silent for long, so its user decides when it is dead.
 */
export function duplicateFor(client: Client): Client {
  const duplicate = waitingDuplicate(client);
  leaveWrongDatabase(duplicate, false);
  return duplicate;
}

/**
 * Creates a connection for subscriptions. On a cluster it is one to any primary, because the servers pass messages of
 * channels on to each other. A cluster client would choose a node too, but reports neither a break nor a new choice.
 */
export function subscriberFor(client: Client): Redis {
  const node = isCluster(client) ? nodeOf(client) : client;
  const subscriber = node.duplicate({
    maxRetriesPerRequest: null,
    socketTimeout: NEVER_MS,
    enableOfflineQueue: true,
    lazyConnect: true,
  });
  leaveWrongDatabase(subscriber, false);
  return subscriber;
}

function nodeOf(client: Cluster): Redis {
  const nodes = client.nodes('master');
  const node = nodes[Math.floor(Math.random() * nodes.length)];
  if (node === undefined) throw new Error('Failed to refresh slots cache: no primary is known');
  return node;
}

function waitingDuplicate(client: Client): Client {
  const waiting = { maxRetriesPerRequest: null, socketTimeout: NEVER_MS };
  if (isCluster(client)) {
    return client.duplicate([], { lazyConnect: true, enableOfflineQueue: true, redisOptions: waiting });
  }
  return client.duplicate({ ...waiting, enableOfflineQueue: true, lazyConnect: true });
}
