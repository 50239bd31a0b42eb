import type { Logger } from 'pino';
import type { Broker } from '../broker/broker.ts';
import type { ResultStore } from '../broker/optional-brokers.ts';
import type { Clock } from '../clock/clock.ts';
import { CONFIG_OPTIONS, type ConfigOptions } from '../config/task-config.ts';
import { checkOptions, type OptionNames } from '../errors/check-options.ts';
import { ConfigError } from '../errors/errors.ts';
import { kindOf } from '../errors/kind-of.ts';
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
  retryPolicy: true,
  clock: true,
};

/** What an object has to have to be taken for one of its kind. */
const KINDS = [
  ['broker', 'publish', 'a Broker; a URL is given as `brokerUrl`'],
  ['resultStore', 'storeResult', 'a ResultStore; a URL is given as `resultUrl`'],
  ['retryPolicy', 'next', "a RetryPolicy, such as exponential({ delay: '2s' })"],
  ['logger', 'isLevelEnabled', 'a pino logger'],
  ['clock', 'monotonic', 'a Clock'],
] as const;

/** @throws ConfigError for an option that is none, or that holds something else than it is for */
export function checkManagerOptions(options: ManagerOptions): void {
  checkOptions(options, MANAGER_OPTIONS, 'initialize');
  const { runMode } = options;
  if (runMode !== undefined && runMode !== 'producer' && runMode !== 'worker') {
    throw new ConfigError(`runMode: one of producer, worker, got ${JSON.stringify(runMode)}`);
  }
  for (const [option, method, expected] of KINDS) {
    const given: unknown = options[option];
    if (given !== undefined && typeof (given as Record<string, unknown> | null)?.[method] !== 'function') {
      throw new ConfigError(`${option}: ${expected}, got ${kindOf(given)}`);
    }
  }
}
