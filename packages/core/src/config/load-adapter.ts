import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Broker } from '../broker/broker.ts';
import { ConfigError } from '../errors/errors.ts';
import { ownUrl } from '../errors/own-url.ts';
import type { BrokerOptions } from './broker-options.ts';

/** The exports of an adapter's package. */
export interface Adapter {
  createBroker(url: string, options: BrokerOptions): Broker;
}

/**
 * Loads the adapter `packageName` from the packages of the application in the working folder.
 * @param url redacted, for the error
 * @throws ConfigError (`ADAPTER_NOT_INSTALLED`) with the command that installs it
 * @throws ConfigError (`ADAPTER_INVALID`) if it cannot be loaded, or has no `createBroker`
 */
export async function loadAdapter(packageName: string, url: string): Promise<Adapter> {
  const href = await resolve(packageName);
  if (href === undefined) {
    if (existsSync(packageName)) throw isFile(packageName);
    throw new ConfigError(
      `broker ${url} needs the package ${packageName}; install it: npm install ${packageName}. A bundled application imports it, and registers its createBroker with registerBroker`,
      { code: 'ADAPTER_NOT_INSTALLED' },
    );
  }
  const module: Partial<Adapter> & { readonly default?: Partial<Adapter> | undefined } = await load(href, packageName);
  // Node finds the names of a CommonJS module only if they are assigned one by one.
  const createBroker = module.createBroker ?? module.default?.createBroker;
  if (typeof createBroker === 'function') return { createBroker };
  throw invalid(packageName, 'is not a broker adapter: it exports no function createBroker(url, options)');
}

async function load(href: string, packageName: string): Promise<Partial<Adapter>> {
  try {
    return await import(href);
  } catch (cause) {
    const [line] = String((cause as Error | undefined)?.message ?? cause).split('\n');
    throw invalid(packageName, `cannot be loaded: ${line}`, cause);
  }
}

/** Searches in the application's folder, then beside this package. Returns `undefined` if neither has the package. */
async function resolve(packageName: string): Promise<string | undefined> {
  for (const from of [pathToFileURL(join(process.cwd(), 'package.json')).href, ownUrl]) {
    try {
      return pathToFileURL(createRequire(from).resolve(packageName)).href;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // `require` does not find exports that a package defines for `import` only.
      if (code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') return resolveForImport(packageName, from);
      if (code !== 'MODULE_NOT_FOUND') throw unresolved(packageName, error);
    }
  }
  return undefined;
}

async function resolveForImport(packageName: string, from: string): Promise<string> {
  const { resolve: importMetaResolve } = await import('import-meta-resolve');
  try {
    return importMetaResolve(packageName, from);
  } catch (error) {
    throw unresolved(packageName, error);
  }
}

function isFile(path: string): ConfigError {
  return new ConfigError(
    `TASK_BROKER_PACKAGE: ${path} is a file, not a package; pass its createBroker to registerBroker(scheme, createBroker)`,
    { code: 'BROKER_PACKAGE_INVALID' },
  );
}

function unresolved(packageName: string, cause: unknown): ConfigError {
  return invalid(packageName, `cannot be found through its package.json: ${(cause as Error).message}`, cause);
}

function invalid(packageName: string, problem: string, cause?: unknown): ConfigError {
  return new ConfigError(`package ${packageName} ${problem}`, { code: 'ADAPTER_INVALID', cause });
}
