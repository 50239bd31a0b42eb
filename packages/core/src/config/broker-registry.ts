import type { Broker } from '../broker/broker.ts';
import { LONGEST_TIMER_MS } from '../clock/longest-timer.ts';
import { ConfigError } from '../errors/errors.ts';
import { kindOf, shown } from '../errors/kind-of.ts';
import { claimOnlyCopy } from '../errors/only-copy.ts';
import type { BrokerOptions } from './broker-options.ts';
import { parseBrokerPackages } from './broker-package.ts';
import { readEnvironment } from './env-file.ts';
import { LazyBroker } from './lazy-broker.ts';
import { loadAdapter } from './load-adapter.ts';
import { checkUrlLength } from './url-length.ts';
import { redactUrl } from './redact-url.ts';

/** Creates a broker from a URL. Adapters export one as `createBroker`. */
export type BrokerFactory = (url: string, options: BrokerOptions) => Broker;

/** Packages of our own adapters, by scheme. They are loaded at first use. */
const PACKAGES: ReadonlyMap<string, string> = new Map([
  ['memory', '@brokkr/broker-memory'],
  ...['redis', 'rediss', 'redis+sentinel', 'redis+cluster', 'redis+unix'].map(
    (scheme) => [scheme, '@brokkr/broker-redis'] as const,
  ),
  ...['amqp', 'amqps'].map((scheme) => [scheme, '@brokkr/broker-amqp'] as const),
]);

const factories = new Map<string, BrokerFactory>();

/**
 * Registers a factory for URLs of `scheme`, for `createBroker` and `TASK_BROKER_URL`. The last registration of a scheme
 * wins.
 * @throws ConfigError (`SCHEME_INVALID`) if `scheme` is not a URL scheme
 * @throws ConfigError (`BROKER_FACTORY_INVALID`) if `factory` is not a function
 * @throws ConfigError (`CORE_LOADED_TWICE`) if another copy of this package is in use
 * @example
 * registerBroker('nats', (url, options) => new NatsBroker(url, options));
 * await tm.initialize({ brokerUrl: 'nats://localhost:4222' });
 */
export function registerBroker(scheme: string, factory: BrokerFactory): void {
  if (typeof scheme !== 'string' || !/^[a-z][a-z0-9+.-]*$/.test(scheme)) {
    throw new ConfigError(
      `registerBroker: ${shown(scheme)} is not a URL scheme; give it without its colon, as in 'nats'`,
      {
        code: 'SCHEME_INVALID',
      },
    );
  }
  if (typeof factory !== 'function') {
    throw new ConfigError(
      `registerBroker: the factory of ${scheme} is ${kindOf(factory)}; give a function (url, options) => Broker`,
      { code: 'BROKER_FACTORY_INVALID' },
    );
  }
  claimOnlyCopy();
  factories.set(scheme, factory);
}

/** Options of `createBroker`. The adapter gets all except `brokerPackage`. */
export interface CreateBrokerOptions extends BrokerOptions {
  /**
   * The package that exports `createBroker(url, options)` for schemes that are not registered; for several schemes
   * `nats=@acme/nats,sqs=@acme/sqs`. @default `TASK_BROKER_PACKAGE`
   */
  readonly brokerPackage?: string | undefined;
}

/**
 * Creates a broker from a URL. Returns immediately: the adapter is loaded, and the server connected to, at first use.
 * @throws ConfigError (`BROKER_URL_INVALID`) if the URL has no scheme, or more than 16 KiB
 * @throws ConfigError (`SCHEME_UNKNOWN`) if no package is known for its scheme
 * @throws ConfigError (`BROKER_PACKAGE_INVALID`) if `brokerPackage` does not name packages
 * @example
 * const broker = createBroker('redis://localhost:6379');
 * await tm.initialize({ broker });
 */
export function createBroker(url: string, options: CreateBrokerOptions = {}): Broker {
  if (typeof url === 'string') checkUrlLength(url);
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(typeof url === 'string' ? url : '')?.[1]?.toLowerCase();
  if (scheme === undefined) {
    throw new ConfigError('a broker URL begins with its scheme, such as redis://localhost:6379/0 or memory:', {
      code: 'BROKER_URL_INVALID',
    });
  }
  const { brokerPackage, ...asked } = options;
  // Adapters wait with Node's timers, which fire immediately if they are longer than this.
  const isTooLong = Number(asked.sendTimeoutMs) > LONGEST_TIMER_MS;
  const given = isTooLong ? { ...asked, sendTimeoutMs: LONGEST_TIMER_MS } : asked;
  const factory = factories.get(scheme);
  if (factory !== undefined) return factory(url, given);
  const packageName = packageOf(scheme, brokerPackage);
  if (packageName !== undefined) {
    return new LazyBroker(async () => (await loadAdapter(packageName, redactUrl(url))).createBroker(url, given));
  }
  const known = [...new Set([...PACKAGES.keys(), ...factories.keys()])].join(', ');
  throw new ConfigError(
    `broker URL ${redactUrl(url)}: unknown scheme ${scheme}; known are ${known}. Register it with registerBroker, or name its package in TASK_BROKER_PACKAGE`,
    { code: 'SCHEME_UNKNOWN' },
  );
}

/** A package that is named for the scheme has precedence over ours. */
function packageOf(scheme: string, given: string | undefined): string | undefined {
  const [setting, name] =
    given === undefined ? [readEnvironment().TASK_BROKER_PACKAGE, 'TASK_BROKER_PACKAGE'] : [given, 'brokerPackage'];
  if (setting === undefined || setting === '') return PACKAGES.get(scheme);
  const { byScheme, others } = parseBrokerPackages(setting, name);
  return byScheme.get(scheme) ?? PACKAGES.get(scheme) ?? others;
}
