import { ConfigError, redactUrl } from '@brokkr/core';

export interface Host {
  readonly host: string;
  readonly port: number;
}

/** Where a broker URL points to. */
export interface RedisTarget {
  readonly kind: 'single' | 'sentinel' | 'cluster' | 'unix';
  readonly hosts: readonly Host[];
  readonly path?: string;
  readonly username?: string;
  readonly password?: string;
  readonly db: number;
  /** Name of the primary, for Sentinel. */
  readonly master?: string;
  readonly sentinelPassword?: string;
  readonly tls: boolean;
  readonly connectTimeoutMs?: number;
  /** Start although the server may evict keys, and with them messages. */
  readonly allowEviction: boolean;
}

const FORMS =
  'redis://user:pass@host:port/db, rediss://…, redis+sentinel://h1:26379,h2:26379/MASTER/DB, redis+cluster://h1:7000,h2:7001, redis+unix:///path?db=0';
const OPTIONS = ['db', 'tls', 'connectTimeout', 'sentinelPassword', 'allowEviction'] as const;
const DEFAULT_PORTS = { single: 6379, cluster: 6379, unix: 0, sentinel: 26379 } as const;
const KINDS: ReadonlyMap<string, RedisTarget['kind']> = new Map([
  ['redis', 'single'],
  ['rediss', 'single'],
  ['redis+sentinel', 'sentinel'],
  ['redis+cluster', 'cluster'],
  ['redis+unix', 'unix'],
]);

/**
 * Takes a broker URL apart; hosts separated by commas are split before parsing.
 * @throws ConfigError where it is none of the known forms, or an option of its query is unknown or wrong
 */
export function parseRedisUrl(url: string): RedisTarget {
  const match = /^([a-z+]+):\/\/(?:([^/?#]*)@)?([^/?#]*)(\/[^?#]*)?(?:\?(.*))?$/i.exec(url);
  const scheme = match?.[1]?.toLowerCase() ?? '';
  const kind = KINDS.get(scheme);
  if (match === null || kind === undefined) throw invalid(url, `write ${FORMS}`);
  const [, , credentials, authority = '', path = '', search = ''] = match;
  const query = readQuery(url, search);
  const segments = path.split('/').slice(1);
  if (kind === 'unix' && path === '') throw invalid(url, 'the path of the socket is missing: redis+unix:///path');
  const hosts = kind === 'unix' ? [] : authority.split(',').map((host) => readHost(url, host, DEFAULT_PORTS[kind]));
  const [master, sentinelDb] = segments;
  if (kind === 'sentinel' && !master) throw invalid(url, 'the name of the primary is missing: …:26379/MASTER/DB');
  const db = kind === 'single' ? segments[0] : kind === 'sentinel' ? sentinelDb : undefined;
  return {
    kind,
    hosts,
    db: readDb(url, query.get('db') ?? db ?? ''),
    tls: scheme === 'rediss' || query.get('tls') === 'true',
    allowEviction: query.get('allowEviction') === 'true',
    ...(kind === 'unix' && { path: decodeURIComponent(path) }),
    ...(kind === 'sentinel' && { master: decodeURIComponent(master ?? '') }),
    ...readCredentials(credentials),
    ...(query.has('sentinelPassword') && { sentinelPassword: query.get('sentinelPassword') ?? '' }),
    ...(query.has('connectTimeout') && { connectTimeoutMs: readMs(url, query.get('connectTimeout') ?? '') }),
  };
}

function readQuery(url: string, search: string): URLSearchParams {
  const query = new URLSearchParams(search);
  for (const name of query.keys()) {
    if (!(OPTIONS as readonly string[]).includes(name)) {
      throw invalid(url, `unknown option ${JSON.stringify(name)}; known are ${OPTIONS.join(', ')}`);
    }
  }
  return query;
}

function readHost(url: string, given: string, defaultPort: number): Host {
  const match = /^(\[[^\]]+\]|[^:]*)(?::(\d{1,5}))?$/.exec(given);
  const port = Number(match?.[2] ?? defaultPort);
  if (match === null || port < 1 || port > 65_535) throw invalid(url, 'a host is written host:port');
  return { host: (match[1] || 'localhost').replace(/^\[|\]$/g, ''), port };
}

function readCredentials(given: string | undefined): { username?: string; password?: string } {
  if (given === undefined || given === '') return {};
  const colon = given.indexOf(':');
  const username = decodeURIComponent(colon < 0 ? given : given.slice(0, colon));
  const password = colon < 0 ? undefined : decodeURIComponent(given.slice(colon + 1));
  return { ...(username !== '' && { username }), ...(password !== undefined && { password }) };
}

function readDb(url: string, given: string): number {
  if (!/^\d{0,5}$/.test(given)) throw invalid(url, 'the database is a number: …:6379/0');
  return Number(given);
}

function readMs(url: string, given: string): number {
  if (!/^[1-9]\d{0,8}$/.test(given)) throw invalid(url, 'connectTimeout is a number of milliseconds');
  return Number(given);
}

function invalid(url: string, problem: string): ConfigError {
  return new ConfigError(`broker URL ${redactUrl(url)}: ${problem}`, { code: 'BROKER_URL_INVALID' });
}
