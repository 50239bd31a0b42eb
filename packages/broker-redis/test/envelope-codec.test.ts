import { expect, it } from 'vitest';
import { decodeEnvelope, encodeEnvelope } from '../src/envelope-codec.ts';

it('an envelope is decoded as it was encoded, its body byte for byte', () => {
  const envelope = {
    id: 'i',
    queue: 'q',
    body: Buffer.from([0, 10, 13, 255]),
    headers: JSON.parse('{"__proto__":"own","line":"a\\nb"}') as Record<string, string>,
    notBefore: 1,
    expiresAt: 2,
    idempotencyKey: 'k\n',
  };
  expect(decodeEnvelope('i', 'q', encodeEnvelope(envelope))).toEqual(envelope);
});

it('a typical message has a short line that a person can read', () => {
  const envelope = {
    id: 'i',
    queue: 'q',
    body: Buffer.from('[1]\n'),
    headers: { 'brokkr-task': 'mail:send', 'brokkr-at': '1764030000000' },
  };
  const bytes = encodeEnvelope(envelope);
  expect(bytes.toString()).toBe('task=mail:send at=1764030000000\n[1]\n');
  expect(decodeEnvelope('i', 'q', bytes)).toEqual(envelope);
});

it.each([
  ['of the sender', { 'brokkr-task': 't', trace: '1' }],
  ['with a space', { 'brokkr-reason': 'a b' }],
  ['with other signs than ASCII', { 'brokkr-task': 'ü' }],
  ['with no value', { 'brokkr-task': '' }],
])('headers %s are decoded as well', (_, headers) => {
  const envelope = { id: 'i', queue: 'q', body: Buffer.from('[]'), headers };
  expect(decodeEnvelope('i', 'q', encodeEnvelope(envelope))).toEqual(envelope);
});

it.each([
  ['nothing', ''],
  ['half a short line', 'task=t at\nbody'],
  ['a short line without end', 'task=t at=1'],
  ['no head', 'hello'],
  ['a head that is no JSON', '{h\nbody'],
  ['JSON of another kind', '[]\nbody'],
  ['headers of another kind', '{"h":{"a":1}}\nbody'],
])('bytes with %s are a body without headers', (_, text) => {
  expect(decodeEnvelope('i', 'q', Buffer.from(text))).toEqual({
    id: 'i',
    queue: 'q',
    body: Buffer.from(text),
    headers: {},
  });
});

it('the largest headers that the core accepts are decoded, and a longer line is not parsed', () => {
  const body = Buffer.from('[1]');
  const most = { id: 'i', queue: 'q', body, headers: { a: '\u0000'.repeat(65_535) } };
  expect(decodeEnvelope('i', 'q', encodeEnvelope(most))).toEqual(most);
  const foreign = encodeEnvelope({ id: 'i', queue: 'q', body, headers: { a: 'x'.repeat(2_000_000) } });
  expect(decodeEnvelope('i', 'q', foreign)).toEqual({ id: 'i', queue: 'q', body: foreign, headers: {} });
});
