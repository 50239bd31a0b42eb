import { isBuiltin } from 'node:module';
import { ConfigError } from '../errors/errors.ts';
import { shown } from '../errors/kind-of.ts';

/** Packages that provide adapters, by URL scheme. */
export interface BrokerPackages {
  /** Package by scheme (in lower case), if each is named: `nats=@acme/nats,sqs=@acme/sqs`. */
  readonly byScheme: ReadonlyMap<string, string>;
  /** Package of all other schemes, if the setting is only a package name. */
  readonly others: string | undefined;
}

/** A longer setting is not a list of packages. */
const MAX_LENGTH = 4_096;
const SCHEME = /^[a-z][a-z0-9+.-]*$/;
/**
 * The name of a package as npm allows it, with or without a subpath: `brokers`, `@acme/brokers`, `@acme/brokers/nats`.
 */
const PACKAGE = /^(?:@[\w~-][\w.~-]*\/)?[\w~-][\w.~-]*(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)*$/;

/**
 * Parses `TASK_BROKER_PACKAGE`: one package, or `scheme=package` pairs with commas between.
 * @param name name of the setting, for errors
 * @throws ConfigError (`BROKER_PACKAGE_INVALID`) if it names a file or a module of Node, or names a scheme twice
 */
export function parseBrokerPackages(value: string, name: string): BrokerPackages {
  if (value.length > MAX_LENGTH) {
    throw invalid(name, `must have at most ${MAX_LENGTH} characters; give package names such as @acme/nats`);
  }
  if (!value.includes('=') && !value.includes(',')) return { byScheme: new Map(), others: checked(value.trim(), name) };
  const byScheme = new Map<string, string>();
  for (const entry of value.split(',')) {
    const equals = entry.indexOf('=');
    const scheme = entry.slice(0, Math.max(equals, 0)).trim().toLowerCase();
    if (!SCHEME.test(scheme)) {
      throw invalid(
        name,
        `must be a package, or scheme=package for each scheme with commas between; got ${shown(entry)}`,
      );
    }
    if (byScheme.has(scheme)) throw invalid(name, `names two packages for ${scheme}; keep one`);
    byScheme.set(scheme, checked(entry.slice(equals + 1).trim(), name));
  }
  return { byScheme, others: undefined };
}

function checked(packageName: string, name: string): string {
  if (isBuiltin(packageName)) {
    throw invalid(name, `${shown(packageName)} is a module of Node; give a package that exports createBroker`);
  }
  if (PACKAGE.test(packageName)) return packageName;
  throw invalid(
    name,
    `${shown(packageName)} is not the name of a package such as @acme/nats; pass the createBroker of a file to registerBroker(scheme, createBroker)`,
  );
}

function invalid(name: string, problem: string): ConfigError {
  return new ConfigError(`${name}: ${problem}`, { code: 'BROKER_PACKAGE_INVALID' });
}
