import type { Broker } from '../broker/broker.ts';
import { LONGEST_TIMER_MS } from '../clock/longest-timer.ts';
import { ConfigError } from '../errors/errors.ts';
import { kindOf, shown } from '../errors/kind-of.ts';
import type { BrokerOptions } from './broker-options.ts';
import { readEnvironment } from './env-file.ts';
import { LazyBroker } from './lazy-broker.ts';
import { loadAdapter } from './load-adapter.ts';
import { redactUrl } from './redact-url.ts';

/** Makes the broker of a URL. */
export type BrokerFactory = (url: string, options: BrokerOptions) => Broker;

/** The schemes of our own adapters: packages that are loaded when they are needed. */
const PACKAGES: ReadonlyMap<string, string> = new Map([
  ['memory', '@brokkr/broker-memory'],
  ...['redis', 'rediss', 'redis+sentinel', 'redis+cluster', 'redis+unix'].map(
    (scheme) => [scheme, '@brokkr/broker-redis'] as const,
  ),
  ...['amqp', 'amqps'].map((scheme) => [scheme, '@brokkr/broker-amqp'] as const),
]);

const factories = new Map<string, BrokerFactory>();

/**
 * Makes URLs of `scheme` known to `createBroker` and `TASK_BROKER_URL`. The last registration of a scheme wins.
 * @throws ConfigError where `scheme` is no URL scheme, or `factory` no function
 */
export function registerBroker(scheme: string, factory: BrokerFactory): void {
  if (typeof scheme !== 'string' || !/^[a-z][a-z0-9+.-]*$/.test(scheme)) {
    throw new ConfigError(
      `registerBroker: ${shown(scheme)} is no URL scheme; give it without its colon, as in 'nats'`,
      {
        code: 'SCHEME_INVALID',
      },
    );
  }
  if (typeof factory !== 'function') {
    throw new ConfigError(
      `registerBroker: what makes the brokers of ${scheme} is ${kindOf(factory)}; give a function (url, options) => Broker`,
      { code: 'BROKER_FACTORY_INVALID' },
    );
  }
  factories.set(scheme, factory);
}

/** What `createBroker` takes beside the URL: all but `brokerPackage` is handed on to the adapter. */
export interface CreateBrokerOptions extends BrokerOptions {
  /** A package that exports `createBroker(url, options)`, for a scheme nobody has registered. @default `TASK_BROKER_PACKAGE` */
  readonly brokerPackage?: string | undefined;
}

/**
 * The broker of a URL, at once: its adapter is loaded, and its server connected to, at first use.
 * @throws ConfigError where the URL is none, or its scheme unknown
 */
export function createBroker(url: string, options: CreateBrokerOptions = {}): Broker {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(typeof url === 'string' ? url : '')?.[1]?.toLowerCase();
  if (scheme === undefined) {
    throw new ConfigError('a broker URL begins with its scheme, such as redis://localhost:6379/0 or memory:', {
      code: 'BROKER_URL_INVALID',
    });
  }
  const { brokerPackage, ...asked } = options;
  // Adapters wait with Node's timers, which fire at once if they are longer than this.
  const isTooLong = Number(asked.sendTimeoutMs) > LONGEST_TIMER_MS;
  const given = isTooLong ? { ...asked, sendTimeoutMs: LONGEST_TIMER_MS } : asked;
  const factory = factories.get(scheme);
  if (factory !== undefined) return factory(url, given);
  const packageName = PACKAGES.get(scheme) ?? brokerPackage ?? readEnvironment().TASK_BROKER_PACKAGE;
  if (packageName !== undefined && packageName !== '') {
    return new LazyBroker(async () => (await loadAdapter(packageName, redactUrl(url))).createBroker(url, given));
  }
  const known = [...new Set([...PACKAGES.keys(), ...factories.keys()])].join(', ');
  throw new ConfigError(
    `broker URL ${redactUrl(url)}: unknown scheme ${scheme}; known are ${known}. Others are registered with registerBroker, or found by TASK_BROKER_PACKAGE`,
    { code: 'SCHEME_UNKNOWN' },
  );
}
