import { describe, expect, it } from 'vitest';
import { delayUntil } from '../../src/broker/delay.ts';
import { checkNamespace } from '../../src/broker/names.ts';
import { isSuspect } from '../../src/broker/suspect.ts';

describe('checkNamespace', () => {
  it('returns a valid namespace', () => {
    expect(checkNamespace('shop.v2_a-b')).toBe('shop.v2_a-b');
  });

  it.each([[''], ['a b'], ['a:b'], ['a{b}'], ['n'.repeat(61)], [null], [7]])(
    'refuses %j, and shows it',
    (namespace) => {
      expect(() => checkNamespace(namespace, 'TASK_NAMESPACE')).toThrow(
        expect.objectContaining({
          code: 'NAMESPACE_INVALID',
          message: expect.stringMatching(/^TASK_NAMESPACE must be 1 to 60 characters of .*; got /),
        }),
      );
    },
  );
});

describe('delayUntil', () => {
  it('is 0 without a time, and for a time that has passed', () => {
    expect([delayUntil(undefined, 5), delayUntil(5, 5), delayUntil(4, 5)]).toEqual([0, 0, 0]);
  });

  it('rounds up, so that no message starts early', () => {
    expect(delayUntil(1_000.2, 0.5)).toBe(1_000);
    expect(delayUntil(1_000, 0.5)).toBe(1_000);
  });
});

describe('isSuspect', () => {
  it('holds from the second crash on', () => {
    expect([0, 1, 2, 3].map((crashes) => isSuspect({ crashes }))).toEqual([false, false, true, true]);
  });
});
