import { describe, expect, it } from 'vitest';
import { recordedBy } from '../../page/src/pages/recorded-by.ts';
import { attemptsOf } from '../../page/src/text/attempts.ts';

const failed = { attempt: 1, at: 5_000, worker: 'w1', error: { name: 'Error', message: 'no' } };

describe('a dead letter that crashed workers', () => {
  it('shows its crashes beside its attempts, so that it does not read as one that never ran', () => {
    expect(attemptsOf({ attempt: 0 })).toBe('0');
    expect(attemptsOf({ attempt: 4 })).toBe('4');
    expect(attemptsOf({ attempt: 0, crashes: 3 })).toBe('crashed 3 times');
    expect(attemptsOf({ attempt: 2, crashes: 1 })).toBe('2, crashed once');
  });

  it('names the worker that recorded its death as one that did not run it', () => {
    const dead = { deadAt: 9_000, deadBy: 'w2' };
    expect(recordedBy({ ...dead, crashes: 3, attempts: [] })).toBe('recorded by w2, which did not run it again');
    expect(recordedBy({ ...dead, crashes: 3, attempts: [failed] })).toBe('recorded by w2, which did not run it again');
    expect(recordedBy({ ...dead, attempts: [] })).toBe('recorded by w2, which did not run it');
  });

  it('names a worker alone only if its attempt was the last one, and ended at the death', () => {
    expect(recordedBy({ attempts: [failed], deadAt: 5_000, deadBy: 'w1', crashes: 1 })).toBe('w1');
    expect(recordedBy({ attempts: [failed], deadAt: 6_000, deadBy: 'w1' })).toMatch(/^recorded by w1/);
    expect(recordedBy({ attempts: [failed], deadAt: 5_000 })).toBeUndefined();
  });
});
