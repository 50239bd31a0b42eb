import { expect, it } from 'vitest';
import { deadLetterEnvelope, redriveEnvelope } from '../../src/broker/dead-letter.ts';
import { lastHistory } from '../../src/broker/last-history.ts';
import { readDeadLetter } from '../../src/message/dead-letter-record.ts';

it('keeps the newest attempts of a long history, without stacks, in at most 8 KiB', () => {
  const attempts = Array.from({ length: 100 }, (_, index) => ({
    attempt: index + 1,
    at: index,
    worker: 'w',
    error: { name: 'Error', message: 'm'.repeat(400), stack: 's' },
  }));
  const kept = lastHistory(JSON.stringify(attempts)) ?? '';
  expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(8_192);
  const read = JSON.parse(kept) as typeof attempts;
  expect(read.at(-1)?.attempt).toBe(100);
  expect(read.length).toBeGreaterThan(20);
  expect(kept).not.toContain('stack');
});

it.each([
  undefined,
  '',
  'no JSON',
  '{}',
  'null',
  '[]',
  '[1,"x",null]',
  JSON.stringify([{ a: Array(9_000).fill('x') }]),
  `[${'{"a":['.repeat(9_000)}${']}'.repeat(9_000)}]`,
  JSON.stringify([{ a: 'x'.repeat(70_000) }]),
])('ignores a history without an attempt that fits: %.40s', (history) => {
  expect(lastHistory(history)).toBeUndefined();
});

it('counts redrives from 1 again if the header is not a count and a time', () => {
  for (const header of ['', 'x', '1', '1e9 5', '-1 5', '99999999999 5']) {
    const letter = { id: 'a', queue: 'q.dead', body: new Uint8Array(), headers: { 'brokkr-redriven': header } };
    expect(readDeadLetter(letter).redriven).toBeUndefined();
    expect(redriveEnvelope(letter, 'q', 7).headers['brokkr-redriven']).toBe('1 7');
  }
});

it('keeps the idempotency key of a message over death and redrive', () => {
  const envelope = {
    id: 'a',
    queue: 'q',
    body: new Uint8Array(),
    headers: {},
    idempotencyKey: 'k',
    idempotencyTtlMs: 5,
  };
  const letter = deadLetterEnvelope(envelope, 'x');
  expect(letter).toMatchObject({ idempotencyKey: 'k', idempotencyTtlMs: 5 });
  expect(redriveEnvelope(letter, 'q', 0)).toMatchObject({ idempotencyKey: 'k', idempotencyTtlMs: 5 });
});
