import { checkQueueName } from '../broker/names.ts';
import { FORGET_HEADER, HEADER_PREFIX } from '../broker/headers.ts';
import { type Duration, toMs } from '../clock/duration.ts';
import { checkOptions, type OptionNames } from '../errors/check-options.ts';
import { ConfigError } from '../errors/errors.ts';
import { kindOf, shown } from '../errors/kind-of.ts';
import type { SendOptions } from '../task/task.ts';
import { checkMaxRetries, checkTimeout } from '../task/task-definition.ts';

/** `SendOptions`, checked, in milliseconds. */
export interface SendSettings {
  readonly delayMs?: number;
  readonly eta?: number;
  readonly expiresInMs?: number;
  readonly queueName?: string;
  readonly maxRetries?: number;
  readonly timeoutMs?: number;
  readonly idempotencyKey?: string;
  readonly idempotencyTtlMs?: number;
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
  headers: true,
};

const MOST_HEADERS = 32;
const LONGEST_HEADER_BYTES = 1_024;
const LONGEST_KEY = 256;
const HEADER_NAME = /^[A-Za-z0-9._-]{1,120}$/;

/**
 * `options` on top of `base`: what is given wins, headers are merged.
 * @throws ConfigError naming the option at fault
 */
export function sendSettings(options: SendOptions, base: SendSettings = {}): SendSettings {
  checkOptions(options, SEND_OPTIONS, 'with');
  const { delay, eta, expiresIn, queueName, maxRetries, timeout, idempotencyKey, idempotencyTtl, headers } = options;
  if (queueName !== undefined) checkQueueName(queueName);
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
    ...(headers === undefined ? {} : { headers: checkHeaders({ ...base.headers, ...named(headers) }) }),
  };
  if (settings.delayMs !== undefined && settings.eta !== undefined) {
    throw new ConfigError('`delay` and `eta` exclude each other; give one of them', { code: 'SEND_OPTIONS_CONFLICT' });
  }
  return settings;
}

/** @throws ConfigError where a header cannot travel: too many, too long, or a name that is taken */
export function checkHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const names = Object.keys(headers);
  if (names.length > MOST_HEADERS)
    throw invalid(`${names.length} of them; at most ${MOST_HEADERS} travel with a message`);
  for (const name of names) {
    const value: unknown = headers[name];
    if (!HEADER_NAME.test(name)) throw invalid(`the name ${JSON.stringify(name.slice(0, 60))}; use A-Z a-z 0-9 . _ -`);
    if (name.startsWith(HEADER_PREFIX) && name !== FORGET_HEADER)
      throw invalid(`${name}; names beginning with ${HEADER_PREFIX} are Brokkr's own`);
    if (typeof value !== 'string') throw invalid(`${name} is ${kindOf(value)}; give a string`);
    if (Buffer.byteLength(value) > LONGEST_HEADER_BYTES) throw invalid(`${name} is over ${LONGEST_HEADER_BYTES} bytes`);
  }
  return headers;
}

function named(headers: unknown): Readonly<Record<string, string>> {
  if (typeof headers === 'object' && headers !== null) return headers as Readonly<Record<string, string>>;
  throw invalid(`an object with strings by name is needed, got ${kindOf(headers)}`);
}

function instant(eta: unknown): number {
  const at = eta instanceof Date ? eta.getTime() : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new ConfigError('`eta` is a valid Date; for a span of time use `delay`', { code: 'ETA_INVALID' });
}

function checkKey(key: unknown): string {
  if (typeof key === 'string' && key.length > 0 && key.length <= LONGEST_KEY) return key;
  throw new ConfigError(`\`idempotencyKey\` is a string of 1 to ${LONGEST_KEY} characters`, {
    code: 'IDEMPOTENCY_KEY_INVALID',
  });
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
