import { fileURLToPath } from 'node:url';
import { type Broker, type BrokerOptions, ConfigError } from '@brokkr/core';
import { FilesBroker } from './files-broker.ts';

export { FilesBroker } from './files-broker.ts';

/** The broker of `files:///a/folder`: what `TASK_BROKER_PACKAGE` and `registerBroker` ask for. */
export function createBroker(url: string, { namespace }: BrokerOptions = {}): Broker {
  if (!/^files:\/\/\//.test(url))
    throw new ConfigError('a files broker URL is files:///a/folder', { code: 'BROKER_URL_INVALID' });
  return new FilesBroker(fileURLToPath(url.replace(/^files:/, 'file:')), namespace);
}
