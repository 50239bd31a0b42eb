import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { RedisServer } from '../../../test/support/redis-server.ts';
import { type Client, connectLike } from '../src/connection/connect.ts';
import { RedisBroker } from '../src/index.ts';

const server = await RedisServer.start();
const node = await RedisServer.start({ args: ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'] });
const admin = node.client();
beforeAll(async () => {
  await admin.cluster('ADDSLOTSRANGE', 0, 16_383);
  await vi.waitFor(async () => expect(String(await admin.cluster('INFO'))).toContain('cluster_state:ok'), 8_000);
});
afterAll(async () => {
  admin.disconnect();
  await Promise.all([server.stop(), node.stop()]);
});

const opened: { disconnect(): void }[] = [];
afterEach(() => {
  for (const client of opened.splice(0)) client.disconnect();
});

function opening<T extends Client>(client: T): T {
  client.on('error', () => undefined);
  opened.push(client);
  return client;
}

type OptionOf<T> = T extends unknown ? keyof T : never;
/** The option is kept; or it is replaced, and this value would break the broker if it were kept. */
type Treatment<T, K extends PropertyKey> =
  | 'kept'
  | { readonly replaced: T extends { [key in K]?: infer V } ? V : never };
type Table<T> = { readonly [K in OptionOf<T>]-?: Treatment<T, K> };

/** Every option of ioredis. One that a newer version adds does not compile here until it has its line. */
const options: Table<RedisOptions> = {
  // The address of the server, and the login.
  host: 'kept',
  port: 'kept',
  path: 'kept',
  family: 'kept',
  username: 'kept',
  password: 'kept',
  db: 'kept',
  tls: 'kept',
  sentinels: 'kept',
  name: 'kept',
  sentinelUsername: 'kept',
  sentinelPassword: 'kept',
  sentinelTLS: 'kept',
  enableTLSForSentinelMode: 'kept',
  sentinelCommandTimeout: 'kept',
  sentinelMaxConnections: 'kept',
  sentinelReconnectStrategy: 'kept',
  updateSentinels: 'kept',
  failoverDetector: 'kept',
  natMap: 'kept',
  // Opens the socket instead of ioredis; it has its own test below.
  Connector: 'kept',
  // The transport.
  connectTimeout: 'kept',
  keepAlive: 'kept',
  noDelay: 'kept',
  protocol: 'kept',
  maxLoadingRetryTime: 'kept',
  // The name of the connection.
  connectionName: 'kept',
  clientInfoTag: 'kept',
  disableClientInfo: 'kept',
  keyPrefix: 'kept',
  // ioredis does not read these two.
  offlineQueue: 'kept',
  commandQueue: 'kept',
  // The behavior of commands.
  stringNumbers: { replaced: true },
  replyMapping: { replaced: 'resp3' },
  commandTimeout: { replaced: 1 },
  blockingTimeout: { replaced: 1 },
  blockingTimeoutGrace: { replaced: 1 },
  socketTimeout: { replaced: 1 },
  enableAutoPipelining: { replaced: true },
  autoPipeliningIgnoredCommands: { replaced: ['ping'] },
  enableOfflineQueue: { replaced: true },
  enableReadyCheck: { replaced: true },
  lazyConnect: { replaced: false },
  maxRetriesPerRequest: { replaced: 0 },
  retryStrategy: { replaced: () => null },
  reconnectOnError: { replaced: () => true },
  autoResubscribe: { replaced: true },
  autoResendUnfulfilledCommands: { replaced: false },
  disconnectTimeout: { replaced: 60_000 },
  readOnly: { replaced: true },
  role: { replaced: 'slave' },
  preferredSlaves: { replaced: () => null },
  sentinelRetryStrategy: { replaced: () => null },
  monitor: { replaced: true },
  showFriendlyErrorStack: { replaced: true },
  scripts: { replaced: { evalsha: { lua: 'return 0', numberOfKeys: 1 } } },
  himportFieldsets: { replaced: [] },
};

const clusterOptions: Table<ClusterOptions> = {
  natMap: 'kept',
  dnsLookup: 'kept',
  useSRVRecords: 'kept',
  resolveSrv: 'kept',
  keyPrefix: 'kept',
  enableReadyCheck: 'kept',
  slotsRefreshTimeout: 'kept',
  slotsRefreshInterval: 'kept',
  // Merged: the nodes keep what the table above keeps.
  redisOptions: { replaced: { stringNumbers: true, commandTimeout: 1, maxRetriesPerRequest: 0, lazyConnect: false } },
  clusterRetryStrategy: { replaced: () => null },
  clusterNodeRetryStrategy: { replaced: () => 60_000 },
  enableOfflineQueue: { replaced: true },
  scaleReads: { replaced: 'slave' },
  maxRedirections: { replaced: 0 },
  retryDelayOnFailover: { replaced: 60_000 },
  retryDelayOnClusterDown: { replaced: 60_000 },
  retryDelayOnTryAgain: { replaced: 60_000 },
  retryDelayOnMoved: { replaced: 60_000 },
  shardedSubscribers: { replaced: true },
  lazyConnect: { replaced: false },
  enableAutoPipelining: { replaced: true },
  autoPipeliningIgnoredCommands: { replaced: ['ping'] },
  showFriendlyErrorStack: { replaced: true },
  scripts: { replaced: { evalsha: { lua: 'return 0', numberOfKeys: 1 } } },
  himportFieldsets: { replaced: [] },
};

function replacedIn(table: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(table).flatMap(([name, treatment]) =>
    treatment === 'kept' ? [] : [[name, (treatment as { replaced: unknown }).replaced] as [string, unknown]],
  );
}

function keptIn(table: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(table).filter((name) => table[name] === 'kept');
}

/** Sends, runs, delays, renews, retries and settles a message, and keeps a result: every kind of call. */
async function live(client: Client): Promise<void> {
  const broker = new RedisBroker({ client, namespace: randomUUID().slice(0, 8), sendTimeoutMs: 3_000 });
  try {
    const subscription = await broker.subscribe('q', { leaseMs: 20_000 });
    const at = () => ({ signal: AbortSignal.timeout(5_000), wait: true });
    const waiting = subscription.receive(1, at());
    // The consumer is idle, and has a doorbell.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const sentAt = performance.now();
    await broker.publish([{ id: 'one', queue: 'q', body: Buffer.from('[1]'), headers: {} }]);
    const [delivery] = await waiting;
    expect(performance.now() - sentAt).toBeLessThan(2_000);
    expect(delivery).toMatchObject({ fence: 1, crashes: 0, envelope: { id: 'one' } });
    if (delivery === undefined) throw new Error('no delivery');
    expect(await subscription.extend([delivery])).toEqual([]);
    const replacement = { ...delivery.envelope, notBefore: Date.now() + 30 };
    expect(await subscription.settle([{ kind: 'retry', delivery, replacement }])).toEqual([]);
    const [again] = await subscription.receive(1, at());
    expect(again).toMatchObject({ fence: 2, crashes: 0 });
    if (again === undefined) throw new Error('no second delivery');
    expect(await subscription.settle([{ kind: 'ack', delivery: again }])).toEqual([]);
    await broker.results.store('one', Buffer.from('{}'), 10_000);
    expect(String(await broker.results.load('one', AbortSignal.timeout(2_000)))).toBe('{}');
    expect(await broker.inspector.counts('q')).toMatchObject({ published: 1, acknowledged: 1, ready: 0, running: 0 });
    expect(await broker.inspector.queues()).toEqual(['q']);
  } finally {
    await broker.close();
  }
}

describe('a client of the application', () => {
  it.each(replacedIn(options))('works with any value of its option %s', async (name, value) => {
    await live(opening(new Redis({ host: '127.0.0.1', port: server.port, [name]: value })));
  });

  it.each(replacedIn(clusterOptions))('of a cluster works with any value of its option %s', async (name, value) => {
    await live(opening(new Cluster([{ host: '127.0.0.1', port: node.port }], { [name]: value })));
  });

  it.each(keptIn(options).filter((name) => name !== 'Connector'))('keeps its option %s', (name) => {
    const values: Record<string, unknown> = { sentinels: [{ host: 'a' }], tls: { ca: 'ca' } };
    const given: RedisOptions = { lazyConnect: true, name: 'prime', [name]: values[name] ?? 'a value' };
    const theirs = opening(new Redis(given as object));
    const own = opening(connectLike(theirs)) as Redis;
    expect(own.options[name as 'name']).toEqual(theirs.options[name as 'name']);
    expect(theirs.options[name as 'name']).toBeDefined();
  });

  it.each(keptIn(clusterOptions))('of a cluster keeps its option %s', (name) => {
    const own = opening(connectLike(opening(new Cluster([], { lazyConnect: true, [name]: 'a value' }))));
    expect((own.options as Record<string, unknown>)[name]).toBe('a value');
  });

  it('is only read: it may block, subscribe or be closed, and the broker keeps working', async () => {
    const client = opening(new Redis({ host: '127.0.0.1', port: server.port }));
    const blocked = client.blpop('nothing', 0).catch(() => undefined);
    await live(client);
    client.disconnect();
    await blocked;
    await live(client);
  });

  it('with a Connector has its sockets opened by that Connector', async () => {
    let connects = 0;
    class Counting {
      readonly #socket = connect(server.port, '127.0.0.1');
      check = () => true;
      connect = async () => {
        connects++;
        return this.#socket;
      };
      disconnect = () => this.#socket.destroy();
    }
    const Connector = Counting as unknown as NonNullable<RedisOptions['Connector']>;
    const theirs = opening(new Redis({ Connector, lazyConnect: true }));
    await live(theirs);
    expect(connects).toBeGreaterThan(1);
  });

  it('with a key prefix keeps everything under it', async () => {
    const look = opening(server.client());
    await look.flushall();
    await live(opening(new Redis({ host: '127.0.0.1', port: server.port, keyPrefix: 'app:' })));
    const keys = await look.keys('*');
    expect(keys.length).toBeGreaterThan(0);
    expect(keys.filter((key) => !key.startsWith('app:'))).toEqual([]);
  });

  it.each(['redis://localhost', {}, { isOpen: true, sendCommand() {} }, { options: {} }])(
    'must be one of ioredis: %j is refused',
    (client) => {
      expect(() => new RedisBroker({ client: client as never })).toThrow(
        expect.objectContaining({ code: 'CLIENT_INVALID' }),
      );
    },
  );
});
