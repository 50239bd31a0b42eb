import { ConfigError, redactUrl, toMs } from '@brokkr/core';

export interface Host {
  readonly host: string;
  readonly port: number;
}

export type QueueType = 'quorum' | 'classic';

/** Where a broker URL points to, and what its query asks for. */
export interface AmqpTarget {
  readonly hosts: readonly Host[];
  readonly tls: boolean;
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
  /** Seconds between heartbeats; a peer that is silent for twice as long is given up. */
  readonly heartbeatS: number;
  readonly connectTimeoutMs: number;
  readonly queueType: QueueType;
  /** The server's `consumer_timeout`, milliseconds: how long it lets a consumer hold a message. */
  readonly consumerTimeoutMs: number;
}

const FORM = 'amqp://user:pass@host1:5672,host2:5672/vhost, or amqps://…';
const OPTIONS = ['heartbeat', 'connectTimeout', 'queueType', 'consumerTimeout'] as const;

/**
 * Takes a broker URL apart; hosts separated by commas are split before parsing.
 * @throws ConfigError where it is none, or an option of its query is unknown or wrong
 */
export function parseAmqpUrl(url: string): AmqpTarget {
  const match = /^(amqps?):\/\/(?:([^/?#]*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?(.*))?$/i.exec(url);
  if (match === null) throw invalid(url, `write ${FORM}`);
  const [, scheme = '', credentials = '', authority = '', vhost = '', search = ''] = match;
  if (/@/.test(authority + vhost + search)) {
    throw invalid(url, 'in user, password and vhost / is written %2F, ? is %3F, # is %23 and @ is %40');
  }
  const tls = scheme.toLowerCase() === 'amqps';
  const query = readQuery(url, search);
  const colon = credentials.indexOf(':');
  return {
    hosts: authority.split(',').map((host) => readHost(url, host, tls ? 5671 : 5672)),
    tls,
    username: decode(url, colon < 0 ? credentials : credentials.slice(0, colon)) || 'guest',
    password: colon < 0 ? 'guest' : decode(url, credentials.slice(colon + 1)),
    vhost: decode(url, vhost) || '/',
    heartbeatS: Math.max(1, Math.round(readMs(url, query, 'heartbeat', '10s') / 1_000)),
    connectTimeoutMs: readMs(url, query, 'connectTimeout', '5s'),
    queueType: readQueueType(url, query.get('queueType') ?? 'quorum'),
    consumerTimeoutMs: readMs(url, query, 'consumerTimeout', '30m'),
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

function readMs(url: string, query: URLSearchParams, name: (typeof OPTIONS)[number], standard: string): number {
  const ms = toMs(query.get(name) ?? standard, `broker URL ${redactUrl(url)}: ${name}`);
  if (ms === 0) throw invalid(url, `${name} cannot be 0`);
  return ms;
}

function readQueueType(url: string, given: string): QueueType {
  if (given === 'quorum' || given === 'classic') return given;
  throw invalid(url, `queueType is quorum or classic, not ${JSON.stringify(given.slice(0, 40))}`);
}

function decode(url: string, given: string): string {
  try {
    return decodeURIComponent(given);
  } catch {
    throw invalid(url, 'a % in user, password or vhost is written %25');
  }
}

function invalid(url: string, problem: string): ConfigError {
  return new ConfigError(`broker URL ${redactUrl(url)}: ${problem}`, { code: 'BROKER_URL_INVALID' });
}
