import type { Broker } from '../broker/broker.ts';
import type { BrokerOptions } from './broker-options.ts';
import { createBroker } from './broker-registry.ts';
import type { TaskConfig } from './task-config.ts';

/** Creates the broker of a URL with the broker options of the settings. @throws ConfigError as `createBroker` does */
export function configuredBroker(
  url: string,
  config: TaskConfig,
  surroundings: Pick<BrokerOptions, 'logger' | 'clock' | 'knownQueues'>,
): Broker {
  const { namespace, idempotencyTtlMs, sendTimeoutMs, brokerPackage } = config;
  return createBroker(url, { ...surroundings, namespace, idempotencyTtlMs, sendTimeoutMs, brokerPackage });
}
