import type { Logger } from 'pino';
import type { Broker } from '../broker/broker.ts';
import type { ResultStore } from '../broker/result-store.ts';
import type { Clock } from '../clock/clock.ts';
import { readEnvironment } from '../config/env-file.ts';
import { CONFIG_OPTIONS, type ConfigOptions, resolveConfig } from '../config/task-config.ts';
import { checkOptions, type OptionNames } from '../errors/check-options.ts';
import { kindOf, shown } from '../errors/kind-of.ts';
import type { Telemetry } from '../middleware/telemetry.ts';
import type { RetryPolicy } from '../retry/retry-policy.ts';

/** `producer` sends, `worker` runs tasks too. */
export type RunMode = 'producer' | 'worker';

/** What `initialize` takes: every setting of the environment, and the objects that no variable can hold. */
export interface ManagerOptions extends ConfigOptions {
  /** @default `SERVICE_TYPE`, else a worker as soon as one is created, else a producer */
  readonly runMode?: RunMode | undefined;
  /** @default the process's `logger`, with this manager's `logLevel` and `logFormat` where given */
  readonly logger?: Logger | undefined;
  /** In place of `brokerUrl`. Closed with the manager. */
  readonly broker?: Broker | undefined;
  /** In place of `resultUrl`. */
  readonly resultStore?: ResultStore | undefined;
  /**
   * Sinks for what is sent and run, middleware, or both in one object, such as `otel()` of `@brokkr/otel`. Its middleware
   * is around that of `use`. @default []
   */
  readonly telemetry?: readonly Telemetry[] | undefined;
  /** For tasks without `retry` and `retryDelay`. @default exponential from `retryDelay` */
  readonly retryPolicy?: RetryPolicy | undefined;
  /** @default the system's */
  readonly clock?: Clock | undefined;
}

export const MANAGER_OPTIONS: OptionNames<ManagerOptions> = {
  ...CONFIG_OPTIONS,
  runMode: true,
  logger: true,
  broker: true,
  resultStore: true,
  telemetry: true,
  retryPolicy: true,
  clock: true,
};

/** What an object has to have to be taken for one of its kind. */
const KINDS = [
  ['broker', 'publish', 'a Broker; a URL is given as `brokerUrl`'],
  ['resultStore', 'store', 'a ResultStore; a URL is given as `resultUrl`'],
  ['retryPolicy', 'next', "a RetryPolicy, such as exponential({ delay: '2s' })"],
  ['logger', 'isLevelEnabled', 'a pino logger'],
  ['clock', 'monotonic', 'a Clock'],
] as const;

/**
 * The options on top of those given before, all of them checked.
 * @throws ConfigError for an option that is none; else listing every one that holds something it is not for, and every
 * setting of the environment that is wrong
 */
export function managerOptions(options: ManagerOptions, before: ManagerOptions = {}): ManagerOptions {
  checkOptions(options, MANAGER_OPTIONS, 'initialize');
  const merged = { ...before, ...options };
  resolveConfig(merged, readEnvironment(), complaintsOf(merged));
  return merged;
}

/** What is wrong with the options that are no settings, a line for each. */
function complaintsOf(options: ManagerOptions): readonly string[] {
  const complaints: string[] = [];
  const runMode: unknown = options.runMode;
  if (runMode !== undefined && runMode !== 'producer' && runMode !== 'worker') {
    complaints.push(`runMode: one of producer, worker, got ${shown(runMode)}`);
  }
  for (const [option, method, expected] of KINDS) {
    const given: unknown = options[option];
    if (given !== undefined && typeof (given as Record<string, unknown> | null)?.[method] !== 'function') {
      complaints.push(`${option}: ${expected}, got ${kindOf(given)}`);
    }
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
