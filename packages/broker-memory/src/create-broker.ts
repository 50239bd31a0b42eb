import { type Broker, BROKER_DEFAULTS, type BrokerOptions, checkNamespace, ConfigError } from '@brokkr/core/adapter';
import { MemoryBroker } from './memory-broker.ts';
import { MemoryServer } from './memory-server.ts';

/** Within this process, by namespace and name; each as long as a broker stands on it. */
const servers = new Map<string, MemoryServer>();

/**
 * The broker of a `memory:` URL, a new one at each call, and yours to close. Those of one `memory:name` and namespace
 * share their messages, which end with the last of them; clock and life times are those of the first.
 * @throws ConfigError for any other URL, and for an option that is wrong
 */
export function createBroker(url: string, options: BrokerOptions = {}): Broker {
  const match = /^memory:([A-Za-z0-9._-]*)$/.exec(url);
  if (match === null) {
    throw new ConfigError('a memory broker URL is memory: or memory:name, the name of A-Z a-z 0-9 . _ -', {
      code: 'BROKER_URL_INVALID',
    });
  }
  const { clock, idempotencyTtlMs } = options;
  const namespace = checkNamespace(options.namespace ?? BROKER_DEFAULTS.namespace);
  const name = match[1] ?? '';
  if (name === '') return new MemoryBroker({ clock, idempotencyTtlMs });
  // No name holds a colon: the last one ends the namespace.
  const key = `${namespace}:${name}`;
  const server = servers.get(key) ?? new MemoryServer({ clock, idempotencyTtlMs }, () => servers.delete(key));
  servers.set(key, server);
  return new MemoryBroker({}, server);
}
