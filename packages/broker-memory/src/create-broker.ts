import { type Broker, type BrokerOptions, ConfigError } from '@brokkr/core';
import { MemoryBroker } from './memory-broker.ts';

/** Brokers that are shared by name within this process. */
const shared = new Map<string, MemoryBroker>();

/**
 * The broker of a `memory:` URL: a new one at each call, or for `memory:name` the one of that name, until it is
 * closed.
 * @throws ConfigError for any other URL
 */
export function createBroker(url: string, options: BrokerOptions = {}): Broker {
  const match = /^memory:([A-Za-z0-9._-]*)$/.exec(url);
  if (match === null) {
    throw new ConfigError('a memory broker URL is memory: or memory:name, the name of A-Z a-z 0-9 . _ -', {
      code: 'BROKER_URL_INVALID',
    });
  }
  const name = match[1] ?? '';
  if (name === '') return new MemoryBroker(options);
  const known = shared.get(name);
  if (known !== undefined && !known.isClosed) return known;
  const broker = new MemoryBroker(options);
  shared.set(name, broker);
  return broker;
}
