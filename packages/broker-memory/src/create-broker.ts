import { type Broker, BROKER_DEFAULTS, type BrokerOptions, checkNamespace, ConfigError } from '@brokkr/core/adapter';
import { MemoryBroker } from './memory-broker.ts';
import { MemoryServer } from './memory-server.ts';

/** The named servers of this process, by namespace and name. A server exists as long as a broker uses it. */
const servers = new Map<string, MemoryServer>();

/**
 * Creates a broker for a `memory:` URL; the caller closes it. Brokers of the same `memory:name` and namespace share
 * their messages, which are lost when the last one closes. Clock and key lifetime are those of the first one.
 * @param url `memory:`, or `memory:name` with a name of `A-Z a-z 0-9 . _ -`
 * @throws ConfigError (`BROKER_URL_INVALID`) for any other URL
 * @throws ConfigError for an unknown or invalid option
 * @example
 * const broker = createBroker('memory:shared');
 */
export function createBroker(url: string, options: BrokerOptions = {}): Broker {
  const match = /^memory:([A-Za-z0-9._-]*)$/.exec(url);
  if (match === null) {
    throw new ConfigError('a memory broker URL must be memory: or memory:name, with a name of A-Z a-z 0-9 . _ -', {
      code: 'BROKER_URL_INVALID',
    });
  }
  const { clock, idempotencyTtlMs } = options;
  const namespace = checkNamespace(options.namespace ?? BROKER_DEFAULTS.namespace);
  const name = match[1] ?? '';
  if (name === '') return new MemoryBroker({ clock, idempotencyTtlMs });
  // A name contains no colon, so the last colon separates namespace and name.
  const key = `${namespace}:${name}`;
  const server = servers.get(key) ?? new MemoryServer({ clock, idempotencyTtlMs }, () => servers.delete(key));
  servers.set(key, server);
  return new MemoryBroker({}, server);
}
