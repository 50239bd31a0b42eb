import { type BrokerHost, BrokerUrl, TLS_OPTIONS, timerMs, type TlsFiles } from '@brokkr/core/adapter';

/** The parts of a Redis broker URL. */
export interface RedisTarget {
  readonly kind: 'single' | 'sentinel' | 'cluster' | 'unix';
  readonly hosts: readonly BrokerHost[];
  readonly path?: string;
  readonly username?: string;
  readonly password?: string;
  readonly db: number;
  /** Name of the primary, for Sentinel. */
  readonly master?: string;
  readonly sentinelPassword?: string;
  /** Certificates for TLS; absent if the connection is not encrypted. */
  readonly tls?: TlsFiles;
  readonly connectTimeoutMs: number;
  /** Start although the server may evict keys, and with them messages. */
  readonly allowEviction: boolean;
}

const FORM =
  'redis://user:pass@host:port/db, rediss://…, redis+sentinel://h1:26379,h2:26379/MASTER/DB, redis+cluster://h1:7000,h2:7001, redis+unix:///path?db=0';
const OPTIONS = ['db', 'tls', ...TLS_OPTIONS, 'connectTimeout', 'sentinelPassword', 'allowEviction'];
const DEFAULT_PORTS = { single: 6379, cluster: 6379, sentinel: 26379 } as const;
const KINDS: ReadonlyMap<string, RedisTarget['kind']> = new Map([
  ['redis', 'single'],
  ['rediss', 'single'],
  ['redis+sentinel', 'sentinel'],
  ['redis+cluster', 'cluster'],
  ['redis+unix', 'unix'],
]);

/**
 * Parses a broker URL. @throws ConfigError if it is not a URL of this broker, or an option of its query is unknown or
 * invalid
 */
export function parseRedisUrl(given: string): RedisTarget {
  const url = new BrokerUrl(given, { form: FORM, options: OPTIONS });
  const kind = KINDS.get(url.scheme);
  if (kind === undefined) throw url.invalid(`write ${FORM}`);
  const { username, password, query } = url;
  const sentinelPassword = query.get('sentinelPassword');
  const tls = readTls(url, kind);
  return {
    kind,
    ...readPlace(url, kind),
    allowEviction: url.flag('allowEviction'),
    connectTimeoutMs: timerMs(url.ms('connectTimeout', '5s'), 'connectTimeout'),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(sentinelPassword !== null && { sentinelPassword }),
    ...(tls !== undefined && { tls }),
  };
}

function readPlace(url: BrokerUrl, kind: RedisTarget['kind']): Pick<RedisTarget, 'hosts' | 'path' | 'master' | 'db'> {
  const [first = '', ...others] = url.path.split('/').map((part) => url.decode(part));
  const db = (inPath: string) => readDb(url, url.query.get('db') ?? inPath);
  switch (kind) {
    case 'single':
      return { hosts: [onlyHost(url)], db: db(url.path) };
    case 'cluster':
      if (db(url.path) !== 0) throw url.invalid('a cluster has only database 0');
      return { hosts: url.hosts(DEFAULT_PORTS.cluster), db: 0 };
    case 'sentinel':
      if (first === '') throw url.invalid('the name of the primary is missing; append it as in …:26379/MASTER/DB');
      return { hosts: url.hosts(DEFAULT_PORTS.sentinel), master: first, db: db(others.join('/')) };
    case 'unix':
      if (url.path === '') throw url.invalid('the path of the socket is missing; give it as in redis+unix:///path');
      return { hosts: [], path: `/${url.decode(url.path)}`, db: db('') };
  }
}

function onlyHost(url: BrokerUrl): BrokerHost {
  const [host, ...others] = url.hosts(DEFAULT_PORTS.single);
  if (host !== undefined && others.length === 0) return host;
  throw url.invalid('several hosts need redis+sentinel:// or redis+cluster://');
}

function readTls(url: BrokerUrl, kind: RedisTarget['kind']): TlsFiles | undefined {
  const isOn = url.scheme === 'rediss' || url.flag('tls');
  if (isOn && kind === 'unix') throw url.invalid('a Unix socket cannot use TLS');
  return url.tlsFiles({ by: 'rediss:// or tls=true', isOn });
}

function readDb(url: BrokerUrl, given: string): number {
  if (!/^\d{0,5}$/.test(given)) throw url.invalid('the database must be a number, as in …:6379/0');
  return Number(given);
}
