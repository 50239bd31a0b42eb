import { describe, expect, it } from 'vitest';
import { exponential, fixed, linear, type Message, none, type RetryPolicy } from '../../src/index.ts';

const message = {} as Message;

function waits(policy: RetryPolicy, attempts = 5): unknown[] {
  return Array.from({ length: attempts }, (_, index) => policy.next({ attempt: index + 1, error: undefined, message }));
}

describe('retry policies', () => {
  it('exponential doubles: a delay of 60 waits 60, 120, 240 s', () => {
    expect(waits(exponential({ delay: 60 }), 3)).toEqual(['60000ms', '120000ms', '240000ms']);
  });

  it('exponential grows by its factor up to its longest wait', () => {
    expect(waits(exponential({ delay: '1s', factor: 3, max: '10s' }), 4)).toEqual([
      '1000ms',
      '3000ms',
      '9000ms',
      '10000ms',
    ]);
    expect(waits(exponential({ delay: '1s' }), 2_000).at(-1)).toBe('3600000ms');
  });

  it('linear grows by its delay, and fixed stays the same', () => {
    expect(waits(linear({ delay: '2s', max: '5s' }), 3)).toEqual(['2000ms', '4000ms', '5000ms']);
    expect(waits(fixed({ delay: '2s' }), 2)).toEqual(['2000ms', '2000ms']);
    expect(waits(none(), 1)).toEqual([null]);
  });

  it('wait a day for a delay of a day: one hour is the longest wait of shorter delays only', () => {
    expect(waits(fixed({ delay: '1d' }), 2)).toEqual(['86400000ms', '86400000ms']);
    expect(waits(exponential({ delay: '1d' }), 2)).toEqual(['86400000ms', '86400000ms']);
    expect(waits(linear({ delay: '1d' }), 2)).toEqual(['86400000ms', '86400000ms']);
    expect(waits(exponential({ delay: '1d', max: '30d' }), 3)).toEqual(['86400000ms', '172800000ms', '345600000ms']);
    expect(waits(fixed({ max: '5s' }), 1)).toEqual(['5000ms']);
  });

  it.each([exponential, linear, fixed])('%o must not have a longest wait that is shorter than the first', (policy) => {
    expect(() => policy({ delay: '2h', max: '1h' })).toThrow(
      expect.objectContaining({ code: 'RETRY_POLICY_INVALID', message: expect.stringContaining('shorter than delay') }),
    );
  });

  it('without a delay wait 0 ms at every attempt', () => {
    expect(new Set(waits(exponential({ delay: 0 }), 3_000))).toEqual(new Set(['0ms']));
  });

  it('jitter only lengthens a wait, by at most its share, up to the longest wait', () => {
    expect(waits(exponential({ delay: '10s', jitter: 0.5, random: () => 0.999 }), 1)).toEqual(['14995ms']);
    expect(waits(exponential({ delay: '10s', jitter: 0.5, random: () => 0 }), 1)).toEqual(['10000ms']);
    expect(waits(fixed({ delay: '10s', max: '11s', jitter: 1, random: () => 0.9 }), 1)).toEqual(['11000ms']);
  });

  it.each([{ jitter: 2 }, { jitter: -0.1 }, { factor: 0.5 }, { delay: 'x' }, { max: -1 }])('refuse %j', (options) => {
    expect(() => exponential(options)).toThrow(/exponential/);
  });
});
