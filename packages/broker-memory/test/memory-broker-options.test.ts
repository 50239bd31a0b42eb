import { systemClock } from '@brokkr/core/adapter';
import { expect, it } from 'vitest';
import { createBroker, MemoryBroker } from '../src/index.ts';

it.each<[unknown, string, RegExp]>([
  [{ maxMesages: 5 }, 'OPTION_UNKNOWN', /unknown option `maxMesages`; did you mean `maxMessages`/],
  [{ toString: 5 }, 'OPTION_UNKNOWN', /unknown option `toString`/],
  ['memory:', 'OPTIONS_INVALID', /options must be an object; got a string$/],
  [null, 'OPTIONS_INVALID', /got null$/],
  [{ maxMessages: Number.NaN }, 'CONFIG_INVALID', /maxMessages must be a whole number, 1 or more; got NaN$/],
  [{ maxMessages: 0 }, 'CONFIG_INVALID', /maxMessages.*; got 0$/],
  [{ maxMessages: 1.5 }, 'CONFIG_INVALID', /maxMessages.*; got 1\.5$/],
  [{ maxMessages: '5' }, 'CONFIG_INVALID', /maxMessages.*; got "5"$/],
  [{ maxDelayMs: Number.NaN }, 'CONFIG_INVALID', /maxDelayMs must be a number of milliseconds, 0 or more; got NaN$/],
  [{ maxDelayMs: -1 }, 'CONFIG_INVALID', /maxDelayMs.*; got -1$/],
  [{ idempotencyTtlMs: Number.POSITIVE_INFINITY }, 'CONFIG_INVALID', /idempotencyTtlMs.*; got Infinity$/],
  [{ clock: { now: () => 0 } }, 'CONFIG_INVALID', /clock must be a Clock; got an object$/],
])('new MemoryBroker(%o) is refused: %s', (options, code, message) => {
  expect(() => new MemoryBroker(options as never)).toThrow(
    expect.objectContaining({ name: 'ConfigError', code, message: expect.stringMatching(message) }),
  );
});

it('options that are missing or undefined have their defaults', () => {
  const options = { clock: undefined, maxMessages: undefined, maxDelayMs: undefined, idempotencyTtlMs: undefined };
  expect(new MemoryBroker(options).capabilities).toEqual(new MemoryBroker().capabilities);
  expect(new MemoryBroker({ maxDelayMs: 0 }).capabilities.maxDelayMs).toBe(0);
});

it('createBroker accepts the options of all adapters, and checks its own', () => {
  const namespace = 'n';
  expect(
    createBroker('memory:', { namespace, sendTimeoutMs: 5, knownQueues: () => [], clock: systemClock }),
  ).toBeTruthy();
  expect(() => createBroker('memory:', { idempotencyTtlMs: Number.NaN })).toThrow(
    /idempotencyTtlMs must be a number of milliseconds/,
  );
});
