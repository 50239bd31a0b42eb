import { expect, it } from 'vitest';
import { decodeEnvelope, encodeEnvelope } from '../src/envelope-codec.ts';

it('an envelope comes back as it went, its body byte for byte', () => {
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

it.each([
  ['nothing', ''],
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
