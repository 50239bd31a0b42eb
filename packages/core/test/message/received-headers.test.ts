import { describe, expect, it } from 'vitest';
import { decodeEnvelope } from '../../src/message/json-codec.ts';
import { keptHeaders, readHeaders } from '../../src/message/received-headers.ts';

const many = (count: number, value = 'v') =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`h${index}`, value]));

describe('readHeaders', () => {
  it("returns the sender's headers without Brokkr's own", () => {
    expect(readHeaders({ 'brokkr-task': 't', traceId: '7' })).toEqual({ own: { traceId: '7' } });
  });

  it('keeps a header named __proto__ as a header', () => {
    const given = JSON.parse('{"__proto__":"x"}') as Record<string, string>;
    expect(Object.entries('own' in readHeaders(given) ? (readHeaders(given) as { own: object }).own : {})).toEqual([
      ['__proto__', 'x'],
    ]);
  });

  it.each([
    ['200,000 headers', many(200_000), 'too_many_headers: more than 64'],
    ['65 headers', many(65), 'too_many_headers: more than 64'],
    ['one header of 1 MiB', { big: 'x'.repeat(1_048_576) }, 'headers_too_large: more than 65536 characters in all'],
    ['a number', { n: 7 as never }, 'malformed: a header is not a string but number'],
  ])('refuses %s', (_, headers, refused) => {
    expect(readHeaders(headers)).toEqual({ refused });
  });

  it('accepts the most headers that a sender can add', () => {
    const largest = { ...many(32, 'x'.repeat(1_024)), 'brokkr-history': 'x'.repeat(16_384) };
    expect(readHeaders(largest)).toHaveProperty('own');
  });
});

describe('a message with refused headers', () => {
  const envelope = (headers: Record<string, string>) => ({ id: 'm', queue: 'q', body: Buffer.from('[]'), headers });

  it('cannot be decoded, and the reason names the limit', () => {
    const headers = { 'brokkr-task': 't', 'brokkr-at': '1', ...many(100) };
    expect(decodeEnvelope(envelope(headers), 1_000)).toEqual({ undecodable: 'too_many_headers: more than 64' });
  });

  it('keeps the first of its headers in the dead letter', () => {
    expect(Object.keys(keptHeaders({ 'brokkr-task': 't', ...many(200_000) }))).toHaveLength(33);
    expect(keptHeaders({ 'brokkr-task': 't', big: 'x'.repeat(2_000), small: 'x' })).toEqual({
      'brokkr-task': 't',
      small: 'x',
    });
  });
});
