import { describe, expect, it } from 'vitest';
import { readHistory } from '../../src/index.ts';
import { appendAttempt } from '../../src/message/attempt-history.ts';

function failing(times: number): string {
  let history: string | undefined;
  for (let attempt = 1; attempt <= times; attempt++) {
    const error = Object.assign(new Error(`attempt ${attempt} ${'x'.repeat(3_000)}`), { stack: 'y'.repeat(9_000) });
    history = appendAttempt(history, { attempt, at: 1, worker: 'w', error });
  }
  return history as string;
}

describe('the history of attempts', () => {
  it('stays within 16 KiB however many there are, oldest shortened first', () => {
    for (const times of [1, 2, 5, 40, 300]) expect(Buffer.byteLength(failing(times))).toBeLessThanOrEqual(16_384);
    const records = readHistory(failing(5));
    expect(records.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5]);
    expect(records[0]?.error.stack).toBeUndefined();
    expect(records[4]?.error.stack).toBeDefined();
  });

  it('is empty where the header is not ours', () => {
    expect(readHistory('{')).toEqual([]);
    expect(readHistory('{"a":1}')).toEqual([]);
    expect(readHistory('[null,1]')).toEqual([]);
  });
});
