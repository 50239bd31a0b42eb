import { lookup, resolveSrv } from 'node:dns';
import type { ClusterOptions, RedisOptions } from 'ioredis';
import { type Client, isCluster } from '../connection/connect.ts';

/** How a thread connects to the server of a client: options without functions, which a thread cannot receive. */
export type ThreadTarget =
  | { readonly nodes: readonly unknown[]; readonly options: ClusterTargetOptions }
  | { readonly options: RedisOptions & Legacy };

/** Replies in the form in which the scripts write them; see `OWN_OPTIONS`. */
interface Legacy {
  replyMapping: 'legacy';
}

type ClusterTargetOptions = Omit<ClusterOptions, 'redisOptions'> & {
  redisOptions: NonNullable<ClusterOptions['redisOptions']> & Legacy;
};

/** Functions that the thread replaces or does not need. */
const STRATEGIES: ReadonlySet<string> = new Set([
  'retryStrategy',
  'reconnectOnError',
  'sentinelRetryStrategy',
  'sentinelReconnectStrategy',
  'clusterRetryStrategy',
  'clusterNodeRetryStrategy',
]);
/** Functions that ioredis uses unless the application gives others. */
const DEFAULTS: ReadonlySet<unknown> = new Set([lookup, resolveSrv]);

/** Calls of the thread wait for a connection, and end soon: it tries again at its next turn. */
const CALLS = {
  lazyConnect: false,
  enableOfflineQueue: true,
  commandTimeout: 5_000,
  maxRetriesPerRequest: 1,
  replyMapping: 'legacy',
} as const;

/** @returns `undefined` if a function of the application decides how to connect, for example `natMap` or `Connector` */
export function threadTargetOf(client: Client): ThreadTarget | undefined {
  try {
    if (!isCluster(client)) return { options: { ...structuredClone(plain(client.options)), ...CALLS } };
    const { startupNodes } = client as unknown as { readonly startupNodes: readonly unknown[] };
    const { redisOptions = {}, ...options } = client.options;
    const { lazyConnect, enableOfflineQueue, ...node } = CALLS;
    return {
      nodes: structuredClone(startupNodes),
      options: {
        ...structuredClone(plain(options)),
        lazyConnect,
        enableOfflineQueue,
        redisOptions: { ...structuredClone(plain(redisOptions)), ...node },
      },
    };
  } catch {
    return undefined;
  }
}

function plain<T extends object>(options: T): T {
  const kept = Object.entries(options).filter(([name, value]) => !STRATEGIES.has(name) && !DEFAULTS.has(value));
  return Object.fromEntries(kept) as T;
}
