import {
  BROKER_DEFAULTS,
  checkOptions,
  type Clock,
  ConfigError,
  type OptionNames,
  shown,
  systemClock,
} from '@brokkr/core/adapter';

/** Options of `MemoryBroker`. There is no namespace: brokers do not see each other's messages. */
export interface MemoryBrokerOptions {
  /** Clock for leases, delays and expiries. @default the system's clock */
  readonly clock?: Clock | undefined;
  /**
   * Most stored messages, including dead letters; a whole number, 1 or more. `publish` refuses more. @default
   * 10_000_000
   */
  readonly maxMessages?: number | undefined;
  /** Longest delay in one hop, in milliseconds; longer delays take several hops. @default ten years */
  readonly maxDelayMs?: number | undefined;
  /** How long an idempotency key is remembered, in milliseconds. @default 24 h */
  readonly idempotencyTtlMs?: number | undefined;
}

type Settings = { readonly [Name in keyof MemoryBrokerOptions]-?: NonNullable<MemoryBrokerOptions[Name]> };

const defaults: Settings = {
  clock: systemClock,
  maxMessages: 10_000_000,
  maxDelayMs: 10 * 365 * 86_400_000,
  idempotencyTtlMs: BROKER_DEFAULTS.idempotencyTtlMs,
};

const milliseconds = { fits: isMilliseconds, wanted: 'a number of milliseconds, 0 or more' };

/** The rule of each option. A missing option does not compile. */
const RULES: Readonly<Record<keyof Settings, { readonly fits: (value: unknown) => boolean; readonly wanted: string }>> =
  {
    clock: { fits: isClock, wanted: 'a Clock' },
    maxMessages: { fits: isCount, wanted: 'a whole number, 1 or more' },
    maxDelayMs: milliseconds,
    idempotencyTtlMs: milliseconds,
  };

const KNOWN: OptionNames<Settings> = { clock: true, maxMessages: true, maxDelayMs: true, idempotencyTtlMs: true };

/**
 * Checks the options, and fills in the defaults. @throws ConfigError (`CONFIG_INVALID`, `OPTION_UNKNOWN`) with the
 * option
 */
export function resolveMemoryBrokerOptions(given: MemoryBrokerOptions): Settings {
  checkOptions(given, KNOWN, 'new MemoryBroker');
  for (const [name, { fits, wanted }] of Object.entries(RULES)) {
    const value: unknown = given[name as keyof Settings];
    if (value === undefined || fits(value)) continue;
    throw new ConfigError(`new MemoryBroker: ${name} must be ${wanted}; got ${shown(value)}`, {
      code: 'CONFIG_INVALID',
    });
  }
  return Object.freeze({
    clock: given.clock ?? defaults.clock,
    maxMessages: given.maxMessages ?? defaults.maxMessages,
    maxDelayMs: given.maxDelayMs ?? defaults.maxDelayMs,
    idempotencyTtlMs: given.idempotencyTtlMs ?? defaults.idempotencyTtlMs,
  });
}

function isMilliseconds(value: unknown): boolean {
  return Number.isFinite(value) && (value as number) >= 0;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function isClock(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { now, monotonic, setTimeout, clearTimeout } = value as Record<keyof Clock, unknown>;
  return [now, monotonic, setTimeout, clearTimeout].every((part) => typeof part === 'function');
}
