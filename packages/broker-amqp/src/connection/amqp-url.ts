import { type BrokerHost, BrokerUrl, TLS_OPTIONS, timerMs, type TlsFiles } from '@brokkr/core/adapter';

export type QueueType = 'quorum' | 'classic';

/** The parts of an AMQP broker URL. */
export interface AmqpTarget {
  readonly hosts: readonly BrokerHost[];
  /** `undefined` if the connection is not encrypted. */
  readonly tls: TlsFiles | undefined;
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
  /** Seconds between heartbeats. A peer that is silent for twice as long counts as dead. */
  readonly heartbeatS: number;
  readonly connectTimeoutMs: number;
  readonly queueType: QueueType;
  /** The server's `consumer_timeout` in milliseconds: how long a consumer may hold a message. */
  readonly consumerTimeoutMs: number;
}

const FORM = 'amqp://user:pass@host1:5672,host2:5672/vhost, or amqps://…';
const OPTIONS = ['heartbeat', 'connectTimeout', 'queueType', 'consumerTimeout', ...TLS_OPTIONS];

/**
 * Parses a broker URL. @throws ConfigError if it is not a URL of this broker, or an option of its query is unknown or
 * invalid
 */
export function parseAmqpUrl(given: string): AmqpTarget {
  const url = new BrokerUrl(given, { form: FORM, options: OPTIONS });
  if (url.scheme !== 'amqp' && url.scheme !== 'amqps') throw url.invalid(`write ${FORM}`);
  const isSecure = url.scheme === 'amqps';
  return {
    hosts: url.hosts(isSecure ? 5671 : 5672),
    tls: url.tlsFiles({ by: 'amqps://', isOn: isSecure }),
    username: url.username ?? 'guest',
    password: url.password ?? 'guest',
    vhost: url.decode(url.path) || '/',
    heartbeatS: Math.max(1, Math.round(url.ms('heartbeat', '10s') / 1_000)),
    connectTimeoutMs: timerMs(url.ms('connectTimeout', '5s'), 'connectTimeout'),
    queueType: queueType(url),
    consumerTimeoutMs: url.ms('consumerTimeout', '30m'),
  };
}

function queueType(url: BrokerUrl): QueueType {
  const given = url.query.get('queueType') ?? 'quorum';
  if (given === 'quorum' || given === 'classic') return given;
  throw url.invalid(`queueType must be quorum or classic; got ${JSON.stringify(given.slice(0, 40))}`);
}
