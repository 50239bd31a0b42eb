import type { ClusterOptions, RedisOptions } from 'ioredis';

/** How long `disconnect()` lets a socket close before it is destroyed, milliseconds. */
export const DISCONNECT_TIMEOUT_MS = 500;

/** Full jitter up to 50 ms × 2^n, at most 2 s: a thousand workers do not reconnect at the same moment. */
export function retryStrategy(times: number): number {
  return Math.ceil(Math.random() * Math.min(2_000, 50 * 2 ** Math.min(times, 10)));
}

/** After a failover the old primary answers READONLY: reconnect, and send the command again. */
function reconnectOnError(error: Error): 2 | false {
  return error.message.startsWith('READONLY') ? 2 : false;
}

/**
 * The options that every connection of the broker sets itself. The broker depends on their values: a client of the
 * application that has others is copied with these.
 *
 * A command is not queued while the connection is down: its caller waits with a timeout of its own.
 */
export const OWN_OPTIONS = {
  lazyConnect: true,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 2,
  retryStrategy,
  reconnectOnError,
  // `Subscriber` does it. The client does not await its own call: a break during that call would end the process.
  autoResubscribe: false,
  autoResendUnfulfilledCommands: true,
  // A socket of a server that hangs is destroyed this long after `disconnect()`. The process cannot end before.
  disconnectTimeout: DISCONNECT_TIMEOUT_MS,
  // The calls have timeouts of their own, and blocking commands are meant to wait.
  commandTimeout: undefined,
  blockingTimeout: undefined,
  blockingTimeoutGrace: undefined,
  // Scripts answer with numbers in lists. As strings, every lease looks lost.
  stringNumbers: false,
  replyMapping: 'legacy',
  // A batch is one script call already, and EVALSHA must not be mixed with commands of its fallback.
  enableAutoPipelining: false,
  autoPipeliningIgnoredCommands: undefined,
  // Every command may write.
  readOnly: false,
  role: 'master',
  preferredSlaves: undefined,
  sentinelRetryStrategy: retryStrategy,
  monitor: false,
  showFriendlyErrorStack: false,
  // Custom commands could replace the ones that the broker sends.
  scripts: undefined,
  himportFieldsets: undefined,
} as const satisfies RedisOptions;

/** The options that a connection to a cluster sets itself; `redisOptions` are `OWN_OPTIONS`. */
export const OWN_CLUSTER_OPTIONS = {
  lazyConnect: true,
  enableOfflineQueue: false,
  clusterRetryStrategy: retryStrategy,
  scaleReads: 'master',
  // A call is sent again by its connection; within it, the cluster follows its servers as ioredis does by default.
  maxRedirections: 16,
  retryDelayOnFailover: 100,
  retryDelayOnClusterDown: 100,
  retryDelayOnTryAgain: 100,
  retryDelayOnMoved: 0,
  clusterNodeRetryStrategy: null,
  enableAutoPipelining: false,
  autoPipeliningIgnoredCommands: undefined,
  shardedSubscribers: false,
  showFriendlyErrorStack: false,
  scripts: undefined,
  himportFieldsets: undefined,
} as const satisfies ClusterOptions;
