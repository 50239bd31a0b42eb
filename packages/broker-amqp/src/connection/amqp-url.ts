import { type BrokerHost, BrokerUrl, TLS_OPTIONS, type TlsFiles } from '@brokkr/core/adapter';

export type QueueType = 'quorum' | 'classic';

/** Where a broker URL points to, and what its query asks for. */
export interface AmqpTarget {
  readonly hosts: readonly BrokerHost[];
  /** `undefined`: in the clear. */
  readonly tls: TlsFiles | undefined;
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
const OPTIONS = ['heartbeat', 'connectTimeout', 'queueType', 'consumerTimeout', ...TLS_OPTIONS];

/** @throws ConfigError where it is no URL of this broker, or an option of its query is unknown or wrong */
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
    connectTimeoutMs: url.ms('connectTimeout', '5s'),
    queueType: queueType(url),
    consumerTimeoutMs: url.ms('consumerTimeout', '30m'),
  };
}

function queueType(url: BrokerUrl): QueueType {
  const given = url.query.get('queueType') ?? 'quorum';
  if (given === 'quorum' || given === 'classic') return given;
  throw url.invalid(`queueType is quorum or classic, not ${JSON.stringify(given.slice(0, 40))}`);
}
