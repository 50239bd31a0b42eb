import { ConfigError } from '../errors/errors.ts';
import { isA } from '../errors/is-a.ts';
import { kindOf, shown } from '../errors/kind-of.ts';
import type { Broker, BrokerCapabilities, BrokerParts } from './broker.ts';
import type { Store, StorePart } from './store.ts';

/** The methods of each part. A broker that has a part must have all of them. */
export const PART_METHODS: {
  readonly [P in keyof Required<BrokerParts>]: readonly (keyof NonNullable<BrokerParts[P]>)[];
} = {
  inspector: ['queues', 'counts', 'countsOf', 'page', 'take', 'redrive', 'discard', 'purge'],
  messages: ['find', 'promote', 'cancel', 'unfinished'],
  workers: ['report', 'retire', 'reports'],
  signals: ['send', 'listen'],
  results: ['store', 'load'],
  states: ['get', 'set'],
  limits: ['acquire', 'renew', 'release', 'call', 'waiting', 'hold', 'usage', 'reschedule'],
  records: ['read', 'change'],
  elections: ['elect'],
  diagnostics: ['diagnose'],
};

const CAPABILITY_TYPES: Partial<Record<keyof BrokerCapabilities, 'boolean' | 'number'>> = {
  persistent: 'boolean',
  ordered: 'boolean',
  idempotency: 'boolean',
  maxDelayMs: 'number',
  delayResolutionMs: 'number',
};

const checked = new WeakSet<Broker>();

/**
 * Checks a broker once, when it is opened: its methods, its capabilities and its parts. A mistake in an adapter or a
 * decorator is reported before a message depends on it.
 * @throws ConfigError (`BROKER_INVALID`) that names the part and the method
 * @example
 * checkBroker(new NatsBroker('nats://localhost:4222'));
 */
export function checkBroker(broker: Broker): void {
  if (typeof broker !== 'object' || broker === null) throw invalid(`it must be an object; got ${kindOf(broker)}`);
  if (isA(broker, Promise)) throw invalid('it is a promise; return the broker at once, and connect at its first use');
  if (checked.has(broker)) return;
  for (const method of ['publish', 'subscribe', 'close'] as const) {
    const found: unknown = read(method, () => broker[method]);
    if (typeof found !== 'function') throw invalid(`${method} must be a method; got ${kindOf(found)}`);
  }
  checkCapabilities(read('capabilities', () => broker.capabilities));
  for (const [part, methods] of Object.entries(PART_METHODS)) checkPart(broker, part as keyof BrokerParts, methods);
  if ((broker.capabilities as { readonly cancel?: unknown }).cancel === true && broker.messages === undefined) {
    throw invalid('capabilities.cancel is true, but there is no part `messages` to cancel with');
  }
  if (broker.capabilities.counts === 'exact' && broker.inspector === undefined) {
    throw invalid("capabilities.counts is 'exact', but there is no part `inspector` to count with");
  }
  checked.add(broker);
}

const STORE_PARTS: Readonly<Record<StorePart, true>> = { records: true, limits: true, results: true };

/**
 * Checks the parts of a store that is not a broker.
 * @throws ConfigError (`STORE_INVALID`) if a part lacks a method, or if there is no part
 */
export function checkStore(store: Store): void {
  const parts = (Object.keys(STORE_PARTS) as StorePart[]).filter((part) => store[part] !== undefined);
  if (parts.length === 0) {
    throw new ConfigError(
      `the store of initialize has no part; give it ${Object.keys(STORE_PARTS).join(' or ')}, or give a broker`,
      { code: 'STORE_INVALID' },
    );
  }
  for (const part of parts) {
    const missing = PART_METHODS[part].find((method) => typeof Reflect.get(store[part] ?? {}, method) !== 'function');
    if (missing === undefined) continue;
    throw new ConfigError(`the store of initialize is invalid: part ${part} must have a method ${missing}`, {
      code: 'STORE_INVALID',
    });
  }
}

function checkPart(broker: Broker, part: keyof BrokerParts, methods: readonly string[]): void {
  const given: unknown = read(part, () => broker[part]);
  if (given === undefined) return;
  if (!Object.hasOwn(broker, part)) {
    throw invalid(
      `part ${part} is inherited; set it in the constructor, or a decorator written as { ...broker } would lose it`,
    );
  }
  if (typeof given !== 'object' || given === null)
    throw invalid(`part ${part} must be an object; got ${kindOf(given)}`);
  for (const method of methods) {
    const found: unknown = read(`${part}.${method}`, () => (given as Record<string, unknown>)[method]);
    if (typeof found !== 'function') {
      throw invalid(`part ${part} must have a method ${method}; got ${kindOf(found)}; add it, or leave the part out`);
    }
  }
}

function checkCapabilities(capabilities: unknown): void {
  if (typeof capabilities !== 'object' || capabilities === null) {
    throw invalid(`capabilities must be an object; got ${kindOf(capabilities)}`);
  }
  const capability = (name: keyof BrokerCapabilities) =>
    read(`capabilities.${name}`, () => (capabilities as Record<string, unknown>)[name]);
  for (const [name, type] of Object.entries(CAPABILITY_TYPES)) {
    const value = capability(name as keyof BrokerCapabilities);
    if (typeof value !== type || (type === 'number' && !((value as number) >= 0))) {
      throw invalid(
        `capabilities.${name} must be a ${type}${type === 'number' ? ' of 0 or more' : ''}; got ${shown(value)}`,
      );
    }
  }
  const counts = capability('counts');
  if (counts !== 'exact' && counts !== 'ready-only') {
    throw invalid(`capabilities.counts must be 'exact' or 'ready-only'; got ${shown(counts)}`);
  }
  const collapse = capability('collapse');
  if (collapse !== undefined && typeof collapse !== 'boolean') {
    throw invalid(`capabilities.collapse must be a boolean; got ${shown(collapse)}`);
  }
  const sendsAtOnce = capability('sendsAtOnce');
  if (sendsAtOnce !== undefined && !(Number.isSafeInteger(sendsAtOnce) && (sendsAtOnce as number) >= 1)) {
    throw invalid(`capabilities.sendsAtOnce must be a whole number of 1 or more; got ${shown(sendsAtOnce)}`);
  }
  checkTimeoutLimit(capability('timeoutLimit'));
}

function checkTimeoutLimit(limit: unknown): void {
  if (limit === undefined) return;
  const { ms, setting } = (limit ?? {}) as { readonly ms?: unknown; readonly setting?: unknown };
  if (typeof ms === 'number' && ms > 0 && typeof setting === 'string') return;
  throw invalid(
    `capabilities.timeoutLimit must be { ms, setting }, milliseconds above 0 and the name of a setting; got ms ${shown(ms)}, setting ${shown(setting)}`,
  );
}

function read<T>(name: string, get: () => T): T {
  try {
    return get();
  } catch (cause) {
    throw invalid(`${name} cannot be read: it is a getter that throws`, cause);
  }
}

function invalid(problem: string, cause?: unknown): ConfigError {
  return new ConfigError(`this broker is invalid: ${problem}`, { code: 'BROKER_INVALID', cause });
}
