import type { Logger } from 'pino';
import type { Broker } from '../broker/broker.ts';
import type { ResultStore } from '../broker/result-store.ts';
import type { Store } from '../broker/store.ts';
import type { Clock } from '../clock/clock.ts';
import { readEnvironment } from '../config/env-file.ts';
import { CONFIG_OPTIONS, type ConfigOptions, resolveConfig } from '../config/task-config.ts';
import { checkOptions, type OptionNames } from '../errors/check-options.ts';
import { kindOf, shown } from '../errors/kind-of.ts';
import type { Telemetry } from '../middleware/telemetry.ts';
import type { RetryPolicy } from '../retry/retry-policy.ts';

/** `producer` only sends; `worker` also runs tasks. */
export type RunMode = 'producer' | 'worker';

/** Options of `initialize`: every setting of the environment, and objects that a variable cannot hold. */
export interface ManagerOptions extends ConfigOptions {
  /** Role of the process. @default `SERVICE_TYPE`; else `worker` once a worker was created, before that `producer` */
  readonly runMode?: RunMode | undefined;
  /** pino logger. @default the `logger` of the process, with `logLevel` and `logFormat` of this manager if given */
  readonly logger?: Logger | undefined;
  /** Broker instead of `brokerUrl`. The manager closes it. */
  readonly broker?: Broker | undefined;
  /** Result store instead of `resultUrl`. */
  readonly resultStore?: ResultStore | undefined;
  /**
   * Store instead of `storeUrl`: a broker, or any object with one of its parts `records` and `results`. The manager does not
   * close it.
   */
  readonly store?: Store | undefined;
  /**
   * Sinks for what is sent and run, middleware, or both in one object, such as `otel()` of `@brokkr/otel`. Its middleware
   * is around that of `use`. @default []
   */
  readonly telemetry?: readonly Telemetry[] | undefined;
  /** For tasks without `retry` and `retryDelay`. @default exponential from `retryDelay` */
  readonly retryPolicy?: RetryPolicy | undefined;
  /** Source of time. @default the system's clock */
  readonly clock?: Clock | undefined;
}

export const MANAGER_OPTIONS: OptionNames<ManagerOptions> = {
  ...CONFIG_OPTIONS,
  runMode: true,
  logger: true,
  broker: true,
  resultStore: true,
  store: true,
  telemetry: true,
  retryPolicy: true,
  clock: true,
};

/** A method that every object of its kind has. */
const KINDS = [
  ['broker', 'publish', 'a Broker (give a URL as `brokerUrl`)'],
  ['resultStore', 'store', 'a ResultStore (give a URL as `resultUrl`)'],
  ['retryPolicy', 'next', "a RetryPolicy, such as exponential({ delay: '2s' })"],
  ['logger', 'isLevelEnabled', 'a pino logger'],
  ['clock', 'monotonic', 'a Clock'],
] as const;

/** An object, and the option that names one by its URL. */
const URLS = [
  ['broker', 'brokerUrl'],
  ['store', 'storeUrl'],
  ['resultStore', 'resultUrl'],
] as const;

/**
 * Merges the options with those given before, and checks all of them.
 * @throws ConfigError (`OPTION_UNKNOWN`) for an unknown option
 * @throws ConfigError (`SETTINGS_INVALID`) with every invalid option and every invalid setting of the environment
 */
export function managerOptions(options: ManagerOptions, before: ManagerOptions = {}): ManagerOptions {
  checkOptions(options, MANAGER_OPTIONS, 'initialize');
  const kept: { -readonly [Option in keyof ManagerOptions]: ManagerOptions[Option] } = { ...before };
  // Otherwise the object that was given before would hide the URL.
  for (const [object, url] of URLS) if (options[url] !== undefined) delete kept[object];
  const merged = { ...kept, ...options };
  resolveConfig(merged, readEnvironment(), complaintsOf(merged));
  return merged;
}

/** Lists the problems of the options that are not settings, one line for each. */
function complaintsOf(options: ManagerOptions): readonly string[] {
  const complaints: string[] = [];
  const runMode: unknown = options.runMode;
  if (runMode !== undefined && runMode !== 'producer' && runMode !== 'worker') {
    complaints.push(`runMode must be producer or worker; got ${shown(runMode)}`);
  }
  for (const [option, method, expected] of KINDS) {
    const given: unknown = options[option];
    if (given !== undefined && typeof (given as Record<string, unknown> | null)?.[method] !== 'function') {
      complaints.push(`${option} must be ${expected}; got ${kindOf(given)}`);
    }
  }
  const store: unknown = options.store;
  if (store !== undefined && (typeof store !== 'object' || store === null)) {
    complaints.push(`store must be a broker or another store (give a URL as \`storeUrl\`); got ${kindOf(store)}`);
  }
  return [...complaints, ...telemetryComplaints(options.telemetry)];
}

const TELEMETRY_METHODS = ['sent', 'ran', 'brokerCall', 'send', 'handle'] as const;

function telemetryComplaints(telemetry: unknown): readonly string[] {
  if (telemetry === undefined) return [];
  if (!Array.isArray(telemetry)) return [`telemetry: a list such as [otel()], got ${kindOf(telemetry)}`];
  return telemetry.flatMap((one: Readonly<Record<string, unknown>> | null, index) => {
    const methods = TELEMETRY_METHODS.filter((method) => one?.[method] !== undefined);
    if (methods.length > 0 && methods.every((method) => typeof one?.[method] === 'function')) return [];
    return [
      `telemetry[${index}]: an object with one of the functions ${TELEMETRY_METHODS.join(', ')}, got ${kindOf(one)}`,
    ];
  });
}
