import { checkOwnQueueName } from '../broker/names.ts';
import { FORGET_HEADER, HEADER_PREFIX } from '../broker/headers.ts';
import { PRIORITIES, type Priority } from '../broker/lane-names.ts';
import { type Duration, toMs } from '../clock/duration.ts';
import { type CollapseSettings, collapseSettings } from '../collapse/collapse-options.ts';
import { checkOptions, type OptionNames } from '../errors/check-options.ts';
import { ConfigError } from '../errors/errors.ts';
import { keyProblem } from '../errors/key-problem.ts';
import { kindOf, shown } from '../errors/kind-of.ts';
import type { SendOptions } from '../task/task.ts';
import { checkMaxRetries, checkTimeout } from '../task/task-definition.ts';

/** `SendOptions` after the check; durations in milliseconds. */
export interface SendSettings {
  readonly delayMs?: number;
  readonly eta?: number;
  readonly expiresInMs?: number;
  readonly queueName?: string;
  readonly maxRetries?: number;
  readonly timeoutMs?: number;
  readonly idempotencyKey?: string;
  readonly idempotencyTtlMs?: number;
  readonly collapse?: CollapseSettings;
  readonly priority?: Priority;
  readonly headers?: Readonly<Record<string, string>>;
}

const SEND_OPTIONS: OptionNames<SendOptions> = {
  delay: true,
  eta: true,
  expiresIn: true,
  queueName: true,
  maxRetries: true,
  timeout: true,
  idempotencyKey: true,
  idempotencyTtl: true,
  unique: true,
  throttle: true,
  debounce: true,
  priority: true,
  headers: true,
};

/** Limits of the headers that a sender and its middleware may set. */
export const HEADER_LIMITS = { count: 32, bytes: 1_024 } as const;
const HEADER_NAME = /^[A-Za-z0-9._-]{1,120}$/;

/**
 * Checks `options` and adds them to `base`: given options replace those of `base`, headers are merged.
 * @throws ConfigError with the names of the task and of the invalid option
 */
export function sendSettings(task: string, options: SendOptions, base: SendSettings = {}): SendSettings {
  checkOptions(options, SEND_OPTIONS, 'with');
  try {
    return checkedSettings(options, base);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { code, cause } = error;
    throw new ConfigError(`task ${task}: ${error.message}`, { code, ...(cause !== undefined && { cause }) });
  }
}

function checkedSettings(options: SendOptions, base: SendSettings): SendSettings {
  const { delay, eta, expiresIn, queueName, maxRetries, timeout, idempotencyKey, idempotencyTtl, priority, headers } =
    options;
  if (queueName !== undefined) checkOwnQueueName(queueName);
  const collapse = collapseSettings(options);
  const settings: SendSettings = {
    ...base,
    ...(delay === undefined ? {} : { delayMs: toMs(delay, 'delay') }),
    ...(eta === undefined ? {} : { eta: instant(eta) }),
    ...(expiresIn === undefined ? {} : { expiresInMs: toMs(expiresIn, 'expiresIn') }),
    ...(queueName === undefined ? {} : { queueName }),
    ...(maxRetries === undefined ? {} : { maxRetries: checkMaxRetries(maxRetries, 'maxRetries') }),
    ...(timeout === undefined ? {} : { timeoutMs: checkTimeout(toMs(timeout, 'timeout'), 'timeout') }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey: checkKey(idempotencyKey) }),
    ...(idempotencyTtl === undefined ? {} : { idempotencyTtlMs: checkKeyTtl(idempotencyTtl) }),
    ...(collapse === undefined ? {} : { collapse }),
    ...(priority === undefined ? {} : { priority: checkPriority(priority) }),
    ...(headers === undefined ? {} : { headers: checkHeaders({ ...base.headers, ...named(headers) }) }),
  };
  if (settings.delayMs !== undefined && settings.eta !== undefined) {
    throw conflict('delay and eta');
  }
  checkCollapse(settings, base);
  return settings;
}

/** @throws ConfigError (`SEND_OPTIONS_CONFLICT`) for options that cannot be combined with the one that joins messages */
function checkCollapse(
  { collapse, idempotencyKey, idempotencyTtlMs, delayMs, eta }: SendSettings,
  base: SendSettings,
): void {
  if (collapse === undefined) return;
  const { option } = collapse;
  if (base.collapse !== undefined && base.collapse.option !== option)
    throw conflict(`${base.collapse.option} and ${option}`);
  if (idempotencyKey !== undefined) throw conflict(`${option} and idempotencyKey`);
  if (idempotencyTtlMs !== undefined) throw conflict(`${option} and idempotencyTtl`);
  if (option !== 'debounce') return;
  if (delayMs !== undefined) throw conflict('debounce and delay');
  if (eta !== undefined) throw conflict('debounce and eta');
}

function conflict(options: string): ConfigError {
  return new ConfigError(`${options} cannot be combined; give one of them`, { code: 'SEND_OPTIONS_CONFLICT' });
}

/** @throws ConfigError (`HEADERS_INVALID`) for too many or too long headers, and for invalid or reserved names */
export function checkHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const names = Object.keys(headers);
  if (names.length > HEADER_LIMITS.count)
    throw invalid(`a message can have at most ${HEADER_LIMITS.count}; got ${names.length}`);
  for (const name of names) {
    const value: unknown = headers[name];
    if (!HEADER_NAME.test(name))
      throw invalid(
        `a name must be 1 to 120 characters of A-Z a-z 0-9 . _ -; got ${JSON.stringify(name.slice(0, 60))}`,
      );
    if (name.startsWith(HEADER_PREFIX) && name !== FORGET_HEADER)
      throw invalid(`names that begin with ${HEADER_PREFIX} are reserved; got ${name}`);
    if (typeof value !== 'string') throw invalid(`${name} must be a string; got ${kindOf(value)}`);
    if (Buffer.byteLength(value) > HEADER_LIMITS.bytes)
      throw invalid(`${name} must have at most ${HEADER_LIMITS.bytes} bytes; got ${Buffer.byteLength(value)}`);
  }
  return headers;
}

function named(headers: unknown): Readonly<Record<string, string>> {
  if (typeof headers === 'object' && headers !== null) return headers as Readonly<Record<string, string>>;
  throw invalid(`must be an object of strings by name; got ${kindOf(headers)}`);
}

function instant(eta: unknown): number {
  const at = eta instanceof Date ? eta.getTime() : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new ConfigError(`eta must be a valid Date, or use delay for a duration; got ${shown(eta)}`, {
    code: 'ETA_INVALID',
  });
}

function checkPriority(priority: unknown): Priority {
  const known = PRIORITIES.find((each) => each === priority);
  if (known !== undefined) return known;
  throw new ConfigError(`priority must be 'high', 'normal' or 'low'; got ${shown(priority)}`, {
    code: 'PRIORITY_INVALID',
  });
}

function checkKey(key: unknown): string {
  const problem = keyProblem(key);
  if (problem === undefined) return key as string;
  throw new ConfigError(`idempotencyKey ${problem}`, { code: 'IDEMPOTENCY_KEY_INVALID' });
}

function checkKeyTtl(ttl: Duration): number {
  const ttlMs = toMs(ttl, 'idempotencyTtl');
  if (ttlMs > 0) return ttlMs;
  throw new ConfigError(`idempotencyTtl must be longer than 0; got ${shown(ttl)}`, {
    code: 'IDEMPOTENCY_TTL_INVALID',
  });
}

function invalid(what: string): ConfigError {
  return new ConfigError(`headers: ${what}`, { code: 'HEADERS_INVALID' });
}
