import { describe, expect, it } from 'vitest';
import { readHistory } from '../../src/adapter/index.ts';
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

  it('leaves out what is no attempt, however much of it there is, and keeps what is', () => {
    const ours = { attempt: 1, at: 5, worker: 'w', error: { name: 'Error', message: 'no' } };
    const foreign = [
      {},
      { ...ours, error: null },
      { ...ours, error: { name: 'x' } },
      { ...ours, at: 'x' },
      'y'.repeat(20_000),
    ];
    expect(readHistory(JSON.stringify([...foreign, ours]))).toEqual([ours]);
    const history = appendAttempt(JSON.stringify(foreign), {
      attempt: 2,
      at: 6,
      worker: 'w',
      error: new Error('again'),
    });
    expect(readHistory(history).map(({ attempt }) => attempt)).toEqual([2]);
  });
});
