import type { Broker, BrokerOptions } from '@brokkr/core/adapter';
import { AmqpBroker } from './amqp-broker.ts';

/**
 * Creates a broker for an `amqp:` or `amqps:` URL. It connects at first use.
 * @throws ConfigError (`BROKER_URL_INVALID`) if the URL is invalid
 * @example
 * const broker = createBroker('amqp://guest:guest@localhost:5672');
 */
export function createBroker(url: string, options: BrokerOptions = {}): Broker {
  return new AmqpBroker({ ...options, url });
}
