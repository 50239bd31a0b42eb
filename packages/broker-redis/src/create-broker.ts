import type { Broker, BrokerOptions } from '@brokkr/core/adapter';
import { RedisBroker } from './redis-broker.ts';

/**
 * Creates a broker for a `redis:` URL in any of its forms. It connects at first use.
 * @throws ConfigError (`BROKER_URL_INVALID`) if the URL is invalid
 * @example
 * const broker = createBroker('redis://localhost:6379/0');
 */
export function createBroker(url: string, options: BrokerOptions = {}): Broker {
  return new RedisBroker({ ...options, url });
}
