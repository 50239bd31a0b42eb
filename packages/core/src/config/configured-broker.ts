import type { Broker } from '../broker/broker.ts';
import type { BrokerOptions } from './broker-options.ts';
import { createBroker } from './broker-registry.ts';
import type { TaskConfig } from './task-config.ts';

/** The broker of a URL with what the settings say of brokers. @throws ConfigError as `createBroker` */
export function configuredBroker(
  url: string,
  config: TaskConfig,
  surroundings: Pick<BrokerOptions, 'logger' | 'clock' | 'knownQueues'>,
): Broker {
  const { namespace, idempotencyTtlMs, sendTimeoutMs, brokerPackage } = config;
  return createBroker(url, { ...surroundings, namespace, idempotencyTtlMs, sendTimeoutMs, brokerPackage });
}
