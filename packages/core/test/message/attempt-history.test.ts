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
  it('has at most 16 KiB after any number of attempts, the oldest shortened first', () => {
    for (const times of [1, 2, 5, 40, 300]) expect(Buffer.byteLength(failing(times))).toBeLessThanOrEqual(16_384);
    const records = readHistory(failing(5));
    expect(records.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5]);
    expect(records[0]?.error.stack).toBeUndefined();
    expect(records[4]?.error.stack).toBeDefined();
  });

  it('is empty if the header is not in our format, or too long to be ours', () => {
    expect(readHistory('{')).toEqual([]);
    expect(readHistory('{"a":1}')).toEqual([]);
    expect(readHistory('[null,1]')).toEqual([]);
    const ours = { attempt: 1, at: 5, worker: 'w', error: { name: 'Error', message: 'x'.repeat(16_384) } };
    expect(readHistory(JSON.stringify([ours]))).toEqual([]);
  });

  it('leaves out records that are not attempts', () => {
    const ours = { attempt: 1, at: 5, worker: 'w', error: { name: 'Error', message: 'no' } };
    const foreign = [
      {},
      { ...ours, error: null },
      { ...ours, error: { name: 'x' } },
      { ...ours, at: 'x' },
      'y'.repeat(200),
    ];
    expect(readHistory(JSON.stringify([...foreign, ours]))).toEqual([ours]);
    const timed = [{ ...ours, ranMs: 40 }, ...['x', null, -1].map((ranMs) => ({ ...ours, ranMs }))];
    expect(readHistory(JSON.stringify(timed))).toEqual([{ ...ours, ranMs: 40 }, ours, ours, ours]);
    const history = appendAttempt(JSON.stringify(foreign), {
      attempt: 2,
      at: 6,
      worker: 'w',
      error: new Error('again'),
    });
    expect(readHistory(history).map(({ attempt }) => attempt)).toEqual([2]);
  });

  it('rebuilds records from known fields: other fields may nest deeper than JSON.stringify supports', () => {
    const depth = 7_000;
    const deep = `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const error = `{"name":"a","message":"b","extra":1,"cause":{"name":"c","message":"d"}}`;
    const foreign = `[{"attempt":1,"at":1,"worker":"w","error":${error},"x":${deep}}]`;
    const history = appendAttempt(foreign, { attempt: 2, at: 6, worker: 'w', error: new Error('again') });
    const [first, second] = readHistory(history);
    expect(first).toEqual({
      attempt: 1,
      at: 1,
      worker: 'w',
      error: { name: 'a', message: 'b', cause: { name: 'c', message: 'd' } },
    });
    expect(second?.attempt).toBe(2);
  });
});
