import type { Broker, BrokerOptions } from '@brokkr/core/adapter';
import { AmqpBroker } from './amqp-broker.ts';

/**
 * The broker of an `amqp:` or `amqps:` URL; it connects at first use.
 * @throws ConfigError where the URL is none
 */
export function createBroker(url: string, options: BrokerOptions = {}): Broker {
  return new AmqpBroker({ ...options, url });
}
