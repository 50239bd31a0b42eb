import { describe, expect, it } from 'vitest';
import type { Broker } from '../../src/broker/broker.ts';
import { checkBroker } from '../../src/broker/check-broker.ts';

const capabilities = {
  persistent: false,
  ordered: true,
  maxDelayMs: 0,
  delayResolutionMs: 0,
  idempotency: false,
  counts: 'ready-only',
} as const;

const broker: Broker = {
  capabilities,
  publish: async () => [],
  subscribe: () => Promise.reject(new Error('not needed')),
  close: async () => undefined,
};

const fails = (): never => {
  throw new Error('not loaded');
};

function refusal(given: unknown): unknown {
  try {
    checkBroker(given as Broker);
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('checkBroker', () => {
  it('accepts a broker without parts', () => {
    expect(refusal(broker)).toBeUndefined();
  });

  it.each([
    [undefined, 'it must be an object; got undefined'],
    [null, 'it must be an object; got null'],
    ['redis:', 'it must be an object; got a string'],
    [Promise.resolve(broker), 'it is a promise; return the broker at once'],
  ])('refuses %s in place of a broker', (given, message) => {
    expect(refusal(given)).toMatchObject({ code: 'BROKER_INVALID', message: expect.stringContaining(message) });
  });

  it.each(['publish', 'subscribe', 'close', 'capabilities'])('refuses a getter %s that throws', (name) => {
    const broken = Object.defineProperty({ ...broker }, name, { get: fails });
    expect(refusal(broken)).toMatchObject({
      code: 'BROKER_INVALID',
      message: expect.stringContaining(`${name} cannot be read`),
      cause: expect.objectContaining({ message: 'not loaded' }),
    });
  });

  it.each(['persistent', 'maxDelayMs', 'counts', 'sendsAtOnce', 'timeoutLimit'])(
    'refuses a capability %s that is a getter that throws',
    (name) => {
      const broken = { ...broker, capabilities: Object.defineProperty({ ...capabilities }, name, { get: fails }) };
      expect(refusal(broken)).toMatchObject({
        code: 'BROKER_INVALID',
        message: expect.stringContaining(`capabilities.${name} cannot be read`),
      });
    },
  );

  it.each([
    ['persistent', 1],
    ['maxDelayMs', Number.NaN],
    ['delayResolutionMs', -1],
    ['counts', 'all'],
    ['sendsAtOnce', 0],
    ['sendsAtOnce', 1.5],
    ['sendsAtOnce', '25'],
    ['timeoutLimit', null],
    ['timeoutLimit', 5_000],
    ['timeoutLimit', { ms: '5000', setting: 'consumer_timeout' }],
    ['timeoutLimit', { ms: 0, setting: 'consumer_timeout' }],
    ['timeoutLimit', { ms: 5_000 }],
  ])('refuses the capability %s: %j', (name, value) => {
    expect(refusal({ ...broker, capabilities: { ...capabilities, [name]: value } })).toMatchObject({
      code: 'BROKER_INVALID',
      message: expect.stringMatching(new RegExp(`capabilities\\.${name} must be .*got `)),
    });
  });

  it('refuses a broker derived by Object.create: it has no parts of its own', () => {
    const elections = { elect: fails };
    const derived = Object.create({ ...broker, elections }, { publish: { value: broker.publish } });
    expect(refusal(derived)).toMatchObject({
      code: 'BROKER_INVALID',
      message: expect.stringContaining('part elections is inherited'),
    });
  });
});
