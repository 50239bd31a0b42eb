import { describe, expect, it } from 'vitest';
import { checkChanges, checkRead } from '../../src/broker/check-changes.ts';

const bytes = new Uint8Array();
const invalid = (message: RegExp) =>
  expect.objectContaining({ code: 'RECORD_INVALID', message: expect.stringMatching(message) });

describe('a change of a record', () => {
  it('may name any fields, and end at once', () => {
    const fields = new Map([['__proto__', bytes]]);
    checkChanges([{ key: 'k'.repeat(512), expect: new Map([['a', undefined]]), add: fields, set: fields, ttlMs: 0 }]);
    checkChanges([]);
  });

  it.each([
    [{ key: 7 as never }, /a name must be a string of 1 to 512 characters; got 7/],
    [{ key: '' }, /a name must be/],
    [{ add: new Map([['', bytes]]) }, /a field must be a string of 1 to 1024 characters; got ""/],
    [{ expect: new Map([['f'.repeat(1_025), bytes]]) }, /a field must be/],
    [{ remove: Array.from({ length: 100_001 }, () => 'f') }, /at most 100000 fields; got 100001/],
    [{ ttlMs: -1 }, /ttlMs must be a number of milliseconds from 0 to 100 years; got -1/],
    [{ ttlMs: Number.NaN }, /ttlMs must be/],
    [{ ttlMs: Number.POSITIVE_INFINITY }, /ttlMs must be/],
    [{ ttlMs: '60' as never }, /got "60"/],
  ])('is refused if it is %o', (wrong, message) => {
    const valid = { key: 'r', ttlMs: 1 };
    expect(() => checkChanges([valid, { ...valid, ...wrong }])).toThrow(invalid(message));
  });
});

it('a read is refused with an invalid name or field', () => {
  expect(() => checkRead(undefined)).toThrow(invalid(/got undefined/));
  expect(() => checkRead('r', ['a', ''])).toThrow(invalid(/a field must be/));
});
