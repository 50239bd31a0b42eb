import {
  BROKER_DEFAULTS,
  checkOptions,
  type Clock,
  ConfigError,
  type OptionNames,
  shown,
  systemClock,
} from '@brokkr/core/adapter';

/** What a memory broker takes. It needs no namespace: what one object keeps, no other sees. */
export interface MemoryBrokerOptions {
  /** Where leases, delays and life times get their time from. @default the system's */
  readonly clock?: Clock | undefined;
  /** Messages it keeps, dead ones too, 1 or more; `publish` refuses more. @default 10_000_000 */
  readonly maxMessages?: number | undefined;
  /** Longest delay it waits for at once, milliseconds, 0 or more; longer ones travel in hops. @default ten years */
  readonly maxDelayMs?: number | undefined;
  /** Life of an idempotency key, milliseconds, 0 or more. @default 24 h */
  readonly idempotencyTtlMs?: number | undefined;
}

type Settings = { readonly [Name in keyof MemoryBrokerOptions]-?: NonNullable<MemoryBrokerOptions[Name]> };

const defaults: Settings = {
  clock: systemClock,
  maxMessages: 10_000_000,
  maxDelayMs: 10 * 365 * 86_400_000,
  idempotencyTtlMs: BROKER_DEFAULTS.idempotencyTtlMs,
};

const milliseconds = { fits: isMilliseconds, wanted: 'milliseconds, a number of 0 or more' };

/** What each option has to be: one that is left out here does not compile. */
const RULES: Readonly<Record<keyof Settings, { readonly fits: (value: unknown) => boolean; readonly wanted: string }>> =
  {
    clock: { fits: isClock, wanted: 'a Clock' },
    maxMessages: { fits: isCount, wanted: 'a whole number of 1 or more' },
    maxDelayMs: milliseconds,
    idempotencyTtlMs: milliseconds,
  };

const KNOWN: OptionNames<Settings> = { clock: true, maxMessages: true, maxDelayMs: true, idempotencyTtlMs: true };

/** @throws ConfigError naming an option that is unknown or wrong: else a message might never be delivered, or none taken */
export function resolveMemoryBrokerOptions(given: MemoryBrokerOptions): Settings {
  checkOptions(given, KNOWN, 'new MemoryBroker');
  for (const [name, { fits, wanted }] of Object.entries(RULES)) {
    const value: unknown = given[name as keyof Settings];
    if (value === undefined || fits(value)) continue;
    throw new ConfigError(`new MemoryBroker: ${name}: ${wanted}, got ${shown(value)}`, { code: 'CONFIG_INVALID' });
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
