import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Broker } from '../broker/broker.ts';
import { ConfigError } from '../errors/errors.ts';
import type { BrokerOptions } from './broker-options.ts';

/** What the package of an adapter exports. */
export interface Adapter {
  createBroker(url: string, options: BrokerOptions): Broker;
}

/**
 * The adapter `packageName` as the application in the working folder has it installed.
 * @param url redacted, for the error
 * @throws ConfigError where it is not installed, with the command that installs it, or is no adapter
 */
export async function loadAdapter(packageName: string, url: string): Promise<Adapter> {
  const path = resolve(packageName);
  if (path === undefined) {
    throw new ConfigError(`broker ${url} needs the package ${packageName}; install it: npm install ${packageName}`, {
      code: 'ADAPTER_NOT_INSTALLED',
    });
  }
  const adapter: Partial<Adapter> = await import(pathToFileURL(path).href);
  if (typeof adapter.createBroker === 'function') return adapter as Adapter;
  throw new ConfigError(
    `package ${packageName} is no broker adapter: it exports no function createBroker(url, options)`,
    {
      code: 'ADAPTER_INVALID',
    },
  );
}

/** From the application's folder; else from beside this package, where both were installed together. */
function resolve(packageName: string): string | undefined {
  for (const from of [pathToFileURL(join(process.cwd(), 'package.json')).href, import.meta.url]) {
    try {
      return createRequire(from).resolve(packageName);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  return undefined;
}
