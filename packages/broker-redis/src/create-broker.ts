import type { Broker, BrokerOptions } from '@brokkr/core/adapter';
import { RedisBroker } from './redis-broker.ts';

/**
 * The broker of a `redis:` URL, in any of its forms; it connects at first use.
 * @throws ConfigError where the URL is none of them
 */
export function createBroker(url: string, options: BrokerOptions = {}): Broker {
  return new RedisBroker({ ...options, url });
}
