import { isBuiltin } from 'node:module';
import { ConfigError } from '../errors/errors.ts';
import { shown } from '../errors/kind-of.ts';

/** Which package makes the brokers of which scheme. */
export interface BrokerPackages {
  /** Scheme, in lower case, to package: named one by one, as in `nats=@acme/nats,sqs=@acme/sqs`. */
  readonly byScheme: ReadonlyMap<string, string>;
  /** The package of every scheme that is not registered, for a setting that is a package name alone. */
  readonly others: string | undefined;
}

/** A longer setting is not a list of packages. */
const MAX_LENGTH = 4_096;
const SCHEME = /^[a-z][a-z0-9+.-]*$/;
/** As npm names them, with a subpath after it or not: `brokers`, `@acme/brokers`, `@acme/brokers/nats`. */
const PACKAGE = /^(?:@[\w~-][\w.~-]*\/)?[\w~-][\w.~-]*(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)*$/;

/**
 * Reads `TASK_BROKER_PACKAGE`: one package, or `scheme=package` pairs with commas between.
 * @param name of the setting, for errors
 * @throws ConfigError (`BROKER_PACKAGE_INVALID`) when it names a file, a module of Node, or a scheme twice
 */
export function parseBrokerPackages(value: string, name: string): BrokerPackages {
  if (value.length > MAX_LENGTH) {
    throw invalid(name, `is longer than ${MAX_LENGTH} characters; it names packages, such as @acme/nats`);
  }
  if (!value.includes('=') && !value.includes(',')) return { byScheme: new Map(), others: checked(value.trim(), name) };
  const byScheme = new Map<string, string>();
  for (const entry of value.split(',')) {
    const equals = entry.indexOf('=');
    const scheme = entry.slice(0, Math.max(equals, 0)).trim().toLowerCase();
    if (!SCHEME.test(scheme)) {
      throw invalid(name, `is a package, or scheme=package for each scheme with commas between; got ${shown(entry)}`);
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
