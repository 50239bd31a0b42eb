import { BROKER_DEFAULTS } from '../broker/broker-defaults.ts';
import { FEATURE_NAMES, type FeatureName } from '../broker/features.ts';
import { checkNamespace, checkOwnQueueName } from '../broker/names.ts';
import { type Duration, toMs } from '../clock/duration.ts';
import { advice, type OptionNames } from '../errors/check-options.ts';
import { BrokkrError } from '../errors/brokkr-error.ts';
import { ConfigError } from '../errors/errors.ts';
import { hideSecrets } from '../errors/hide-secrets.ts';
import { shown } from '../errors/kind-of.ts';
import { DEFAULT_RETRY_DELAY } from '../retry/wait-bounds.ts';
import { parseBrokerPackages } from './broker-package.ts';
import type { Environment } from './env-file.ts';
import { redactUrl } from './redact-url.ts';
import { checkUrlLength } from './url-length.ts';

/** All settings of an application after the check. Durations are in milliseconds. */
export interface TaskConfig {
  /** `custom:` if `initialize` was given a broker object. */
  readonly brokerUrl: string;
  readonly brokerPackage: string | undefined;
  readonly namespace: string;
  readonly queueName: string;
  readonly maxWorkers: number;
  readonly timeoutMs: number;
  readonly maxRetries: number;
  readonly retryDelayMs: number;
  readonly leaseMs: number;
  readonly leaseThread: boolean;
  readonly maxCrashes: number;
  readonly shutdownTimeoutMs: number;
  readonly sendTimeoutMs: number;
  readonly maxPayload: number;
  readonly idempotencyTtlMs: number;
  readonly deadMax: number;
  readonly resultUrl: string | undefined;
  readonly storeUrl: string | undefined;
  readonly requires: readonly FeatureName[];
  readonly serviceType: 'api' | 'worker' | undefined;
  readonly appModule: string | undefined;
  readonly logLevel: string;
  readonly logFormat: 'json' | 'pretty' | undefined;
  readonly logTime: 'local' | 'utc' | 'iso';
  readonly logStack: 'application' | 'full';
}

/** Settings for `initialize`. Each takes precedence over its environment variable. */
export interface ConfigOptions {
  /** `TASK_BROKER_URL`: URL of the broker. @default `memory:` */
  readonly brokerUrl?: string | undefined;
  /**
   * `TASK_BROKER_PACKAGE`: package that exports `createBroker(url, options)`, for schemes that are not registered. For
   * several schemes `nats=@acme/nats,sqs=@acme/sqs`.
   */
  readonly brokerPackage?: string | undefined;
  /** `TASK_NAMESPACE`: prefix of every key, queue and exchange. @default `brokkr` */
  readonly namespace?: string | undefined;
  /** `TASK_QUEUE_NAME`: queue of tasks without their own. @default `default` */
  readonly queueName?: string | undefined;
  /** `TASK_MAX_WORKERS`: how many tasks a worker runs at the same time. @default 4 */
  readonly maxWorkers?: number | undefined;
  /** `TASK_TIMEOUT`: time limit of one attempt. @default 600 s */
  readonly timeout?: Duration | undefined;
  /** `TASK_MAX_RETRIES`: retries after the first attempt. @default 3 */
  readonly maxRetries?: number | undefined;
  /** `TASK_RETRY_DELAY`: wait before retry 1; it doubles for each further retry. @default 15 s */
  readonly retryDelay?: Duration | undefined;
  /** `TASK_LEASE`: time after which the messages of a silent worker are redelivered; 1 s or more. @default 30 s */
  readonly lease?: Duration | undefined;
  /** `TASK_LEASE_THREAD`: renew leases from a thread while a task blocks the event loop. @default true */
  readonly leaseThread?: boolean | undefined;
  /** `TASK_MAX_CRASHES`: crashed workers after which a message becomes a dead letter. @default 3 */
  readonly maxCrashes?: number | undefined;
  /** `TASK_SHUTDOWN_TIMEOUT`: time for running tasks to end when a worker stops. @default 25 s */
  readonly shutdownTimeout?: Duration | undefined;
  /** `TASK_SEND_TIMEOUT`: how long `send` waits for an unreachable broker. @default 5 s */
  readonly sendTimeout?: Duration | undefined;
  /** `TASK_MAX_PAYLOAD`: most bytes of the arguments of a message. @default 1048576 */
  readonly maxPayload?: number | undefined;
  /** `TASK_IDEMPOTENCY_TTL`: how long an idempotency key is remembered. @default 24 h */
  readonly idempotencyTtl?: Duration | undefined;
  /** `TASK_DEAD_MAX`: number of dead letters in a queue above which a worker warns at its start. @default 100000 */
  readonly deadMax?: number | undefined;
  /** `TASK_RESULT_URL`: URL of the result store. @default the broker, if it can store results; else `storeUrl` */
  readonly resultUrl?: string | undefined;
  /** `TASK_STORE_URL`: URL of a store, such as a Redis, for the parts that the broker lacks: records and results. */
  readonly storeUrl?: string | undefined;
  /**
   * `TASK_REQUIRES`, with commas between: features that the broker must have, such as `['idempotency', 'cancel']`. They are
   * checked when the broker is opened. @default `[]`
   */
  readonly requires?: readonly FeatureName[] | undefined;
  /** `SERVICE_TYPE` */
  readonly serviceType?: 'api' | 'worker' | undefined;
  /** `APP_MODULE`: module of the application, for the command line. */
  readonly appModule?: string | undefined;
  /** `LOG_LEVEL`: a pino level, or `silent`. @default `info` */
  readonly logLevel?: string | undefined;
  /** `LOG_FORMAT`: form of log lines. @default `pretty` on a terminal, else `json` */
  readonly logFormat?: 'json' | 'pretty' | undefined;
  /** `LOG_TIME`: time in `pretty` lines. @default `local` */
  readonly logTime?: 'local' | 'utc' | 'iso' | undefined;
  /** `LOG_STACK`: stack frames in `pretty` lines. @default `application` */
  readonly logStack?: 'application' | 'full' | undefined;
}

export const CONFIG_OPTIONS: OptionNames<ConfigOptions> = {
  brokerUrl: true,
  brokerPackage: true,
  namespace: true,
  queueName: true,
  maxWorkers: true,
  timeout: true,
  maxRetries: true,
  retryDelay: true,
  lease: true,
  leaseThread: true,
  maxCrashes: true,
  shutdownTimeout: true,
  sendTimeout: true,
  maxPayload: true,
  idempotencyTtl: true,
  deadMax: true,
  resultUrl: true,
  storeUrl: true,
  requires: true,
  serviceType: true,
  appModule: true,
  logLevel: true,
  logFormat: true,
  logTime: true,
  logStack: true,
};

/**
 * A worker renews a lease three times before it expires. With a shorter lease, a short block of the event loop or a
 * slow round trip would lose it, and a message that loses its lease in each worker counts as poison.
 */
export const SHORTEST_LEASE_MS = 1_000;
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/**
 * Resolves the settings: the option, else the environment variable, else the default.
 * @param others problems of other options, reported together with those of the settings
 * @throws ConfigError (`SETTINGS_INVALID`) with every invalid value, by the name under which it was given
 */
export function resolveConfig(
  options: ConfigOptions = {},
  environment: Environment = {},
  others: readonly string[] = [],
): TaskConfig {
  const complaints = [...others];
  function read<T>(
    option: keyof ConfigOptions,
    variable: string,
    parse: (value: unknown, name: string) => T,
  ): T | undefined {
    const given: unknown = options[option];
    const [value, name] = given === undefined ? [emptyAsUnset(environment[variable]), variable] : [given, option];
    if (value === undefined) return undefined;
    try {
      return parse(value, name);
    } catch (error) {
      complaints.push(BrokkrError.is(error) ? error.message : `${name}: invalid`);
      return undefined;
    }
  }
  const config: TaskConfig = {
    brokerUrl: read('brokerUrl', 'TASK_BROKER_URL', url) ?? 'memory:',
    brokerPackage: read('brokerPackage', 'TASK_BROKER_PACKAGE', brokerPackage),
    namespace: read('namespace', 'TASK_NAMESPACE', checkNamespace) ?? BROKER_DEFAULTS.namespace,
    queueName: read('queueName', 'TASK_QUEUE_NAME', queue) ?? 'default',
    maxWorkers: read('maxWorkers', 'TASK_MAX_WORKERS', whole(1)) ?? 4,
    timeoutMs: read('timeout', 'TASK_TIMEOUT', duration(1)) ?? 600_000,
    maxRetries: read('maxRetries', 'TASK_MAX_RETRIES', whole(0)) ?? 3,
    retryDelayMs: read('retryDelay', 'TASK_RETRY_DELAY', duration(0)) ?? toMs(DEFAULT_RETRY_DELAY, 'retryDelay'),
    leaseMs: read('lease', 'TASK_LEASE', lease) ?? BROKER_DEFAULTS.leaseMs,
    leaseThread: read('leaseThread', 'TASK_LEASE_THREAD', flag) ?? true,
    maxCrashes: read('maxCrashes', 'TASK_MAX_CRASHES', whole(1)) ?? 3,
    shutdownTimeoutMs: read('shutdownTimeout', 'TASK_SHUTDOWN_TIMEOUT', duration(0)) ?? 25_000,
    sendTimeoutMs: read('sendTimeout', 'TASK_SEND_TIMEOUT', duration(1)) ?? BROKER_DEFAULTS.sendTimeoutMs,
    maxPayload: read('maxPayload', 'TASK_MAX_PAYLOAD', whole(1)) ?? 1_048_576,
    idempotencyTtlMs: read('idempotencyTtl', 'TASK_IDEMPOTENCY_TTL', duration(1)) ?? BROKER_DEFAULTS.idempotencyTtlMs,
    deadMax: read('deadMax', 'TASK_DEAD_MAX', whole(0)) ?? 100_000,
    resultUrl: read('resultUrl', 'TASK_RESULT_URL', url),
    storeUrl: read('storeUrl', 'TASK_STORE_URL', url),
    requires: read('requires', 'TASK_REQUIRES', featureNames) ?? [],
    serviceType: read('serviceType', 'SERVICE_TYPE', oneOf(['api', 'worker'] as const)),
    appModule: read('appModule', 'APP_MODULE', text),
    logLevel: read('logLevel', 'LOG_LEVEL', oneOf(LOG_LEVELS)) ?? 'info',
    logFormat: read('logFormat', 'LOG_FORMAT', oneOf(['json', 'pretty'] as const)),
    logTime: read('logTime', 'LOG_TIME', oneOf(['local', 'utc', 'iso'] as const)) ?? 'local',
    logStack: read('logStack', 'LOG_STACK', oneOf(['application', 'full'] as const)) ?? 'application',
  };
  if (complaints.length > 0) {
    throw new ConfigError(`wrong settings:\n${complaints.map((complaint) => `  ${complaint}`).join('\n')}`, {
      code: 'SETTINGS_INVALID',
    });
  }
  return Object.freeze(hideSecrets(config, () => withoutSecrets(config)));
}

/** Loggers and debuggers print whole settings, and URLs contain passwords. */
function withoutSecrets(config: TaskConfig): TaskConfig {
  const { brokerUrl, resultUrl, storeUrl } = config;
  return {
    ...config,
    brokerUrl: redactUrl(brokerUrl),
    resultUrl: resultUrl && redactUrl(resultUrl),
    storeUrl: storeUrl && redactUrl(storeUrl),
  };
}

function emptyAsUnset(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

function text(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw wrong(name, 'a string that is not empty', value);
}

function brokerPackage(value: unknown, name: string): string {
  const given = text(value, name);
  parseBrokerPackages(given, name);
  return given;
}

function url(value: unknown, name: string): string {
  if (typeof value === 'string') checkUrlLength(value, name);
  if (typeof value === 'string' && /^[a-z][a-z0-9+.-]*:/i.test(value)) return value;
  // The value is not shown: it may be a password without its URL.
  throw new ConfigError(`${name} must be a URL such as redis://localhost:6379/0 or memory:`);
}

function queue(value: unknown, name: string): string {
  try {
    checkOwnQueueName(value as string);
  } catch (error) {
    throw new ConfigError(`${name}: ${(error as Error).message}`);
  }
  return value as string;
}

function duration(atLeastMs: number): (value: unknown, name: string) => number {
  return (value, name) => {
    const ms = toMs(value as Duration, name);
    if (ms >= atLeastMs) return ms;
    throw wrong(name, 'a duration longer than 0', value);
  };
}

function lease(value: unknown, name: string): number {
  const ms = toMs(value as Duration, name);
  if (ms >= SHORTEST_LEASE_MS) return ms;
  throw wrong(name, 'at least 1 s, or a worker that is busy for a moment loses its messages', value);
}

function flag(value: unknown, name: string): boolean {
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  throw wrong(name, 'true or false', value);
}

function whole(atLeast: number): (value: unknown, name: string) => number {
  return (value, name) => {
    const parsed = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
    if (Number.isSafeInteger(parsed) && (parsed as number) >= atLeast) return parsed as number;
    throw wrong(name, `a whole number, ${atLeast} or more`, value);
  };
}

/** A list of names, or a text with commas between them. */
function featureNames(value: unknown, name: string): readonly FeatureName[] {
  const given: unknown = typeof value === 'string' ? value.split(',').map((each) => each.trim()) : value;
  if (!Array.isArray(given)) throw wrong(name, 'a list of features', value);
  for (const each of given as unknown[]) {
    if (FEATURE_NAMES.some((known) => known === each)) continue;
    const hint = typeof each === 'string' ? advice(each, FEATURE_NAMES) : `known are ${FEATURE_NAMES.join(', ')}`;
    throw new ConfigError(`${name}: unknown feature ${shown(each)}; ${hint}`);
  }
  return [...new Set(given as readonly FeatureName[])];
}

function oneOf<T extends string>(allowed: readonly T[]): (value: unknown, name: string) => T {
  return (value, name) => {
    const found = allowed.find((candidate) => candidate === value);
    if (found !== undefined) return found;
    throw wrong(name, `one of ${allowed.join(', ')}`, value);
  };
}

function wrong(name: string, expected: string, value: unknown): ConfigError {
  return new ConfigError(`${name} must be ${expected}; got ${shown(value)}`);
}
