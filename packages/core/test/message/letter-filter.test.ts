import { describe, expect, it } from 'vitest';
import { deadLetterEnvelope } from '../../src/broker/dead-letter.ts';
import { appendAttempt } from '../../src/message/attempt-history.ts';
import { letterFilter } from '../../src/message/letter-filter.ts';

const message = { id: 'i', queue: 'q', body: new Uint8Array(), headers: { 'brokkr-task': 'mail' } };
const letter = deadLetterEnvelope(message, 'Error: SMTP said 502', { at: 5_000, by: 'w' });

describe('a filter of dead letters', () => {
  it.each([
    [{}, true],
    [{ task: 'mail' }, true],
    [{ task: 'mai' }, false],
    [{ error: 'smtp SAID' }, true],
    [{ error: '503' }, false],
    [{ diedAfter: 5_000 }, true],
    [{ diedAfter: 5_001 }, false],
    [{ diedBefore: 5_000 }, true],
    [{ diedBefore: 4_999 }, false],
    [{ task: 'mail', error: '502', diedAfter: 4_000 }, true],
    [{ task: 'mail', error: '503', diedAfter: 4_000 }, false],
  ])('%j: %j', (filter, matches) => {
    expect(letterFilter(filter)(letter)).toBe(matches);
  });

  it('takes the end of the last attempt as the time of death if the header is missing or invalid', () => {
    const history = appendAttempt(undefined, { attempt: 1, at: 7_000, worker: 'w', error: new Error('e') });
    for (const deadAt of ['soon', '-1', '1e999']) {
      const headers = { 'brokkr-dead-at': deadAt, 'brokkr-history': history };
      expect(letterFilter({ diedAfter: 6_000 })({ ...letter, headers })).toBe(true);
      expect(letterFilter({ diedAfter: 8_000 })({ ...letter, headers })).toBe(false);
    }
  });

  it('matches no age if the time of death is unknown, and never throws for foreign headers', () => {
    const headers = { 'brokkr-history': '[[[', 'brokkr-reason': 7 as unknown as string };
    expect(letterFilter({ diedAfter: 0 })({ ...letter, headers })).toBe(false);
    expect(letterFilter({ diedBefore: Number.MAX_SAFE_INTEGER })({ ...letter, headers })).toBe(false);
    expect(letterFilter({ error: 'x' })({ ...letter, headers })).toBe(false);
  });
});
