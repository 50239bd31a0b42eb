import type { Envelope } from '@brokkr/core/adapter';
import type { Message } from 'amqplib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMessage, encodeProperties, NEW } from '../src/publishing/envelope-codec.ts';

/** A message as the client passes it to a consumer. */
function message(content: Buffer, properties: object): Message {
  return { content, fields: {}, properties } as unknown as Message;
}

function roundTrip(envelope: Envelope, metadata = NEW) {
  return decodeMessage(message(Buffer.from(envelope.body), encodeProperties(envelope, metadata)), envelope.queue);
}

/** Names with a meaning for the protocol, the server or JavaScript. */
const hostile = fc.constantFrom(
  '__proto__',
  'constructor',
  'x-death',
  'X-Match',
  'brokkr-task',
  'brokkr-at',
  'x-brokkr-fence',
  'x-brokkr-headers',
  'CC',
  'BCC',
  'a b',
  'naïve',
  '',
  'line\nbreak',
  'n'.repeat(200),
);
const name = fc.oneof(hostile, fc.string({ maxLength: 130 }));
/** Any text, and values that the properties for a task and a time accept, or almost. */
const value = fc.oneof(
  fc.string(),
  fc.constantFrom('1795469590000', '1795469590', '0', '', 'é'.repeat(128), 't'.repeat(255)),
);
const headers = fc
  .array(fc.tuple(name, value), { maxLength: 20 })
  .map((entries) => Object.fromEntries(entries) as Record<string, string>);

describe('an envelope as a message', () => {
  it('is decoded as it was encoded, whatever the names of its headers', () => {
    fc.assert(
      fc.property(headers, fc.uint8Array(), fc.option(fc.nat()), (given, body, expires) => {
        const expiresAt = expires === null ? undefined : expires + 1;
        const envelope = { id: 'i', queue: 'q', body, headers: given, ...(expiresAt !== undefined && { expiresAt }) };
        const { envelope: read, metadata } = roundTrip(envelope);
        expect(Buffer.from(read.body).equals(Buffer.from(body))).toBe(true);
        expect(Object.entries(read.headers).toSorted()).toEqual(Object.entries(given).toSorted());
        expect(read).toMatchObject({ id: 'i', queue: 'q' });
        expect(read.expiresAt).toBe(expiresAt);
        expect(metadata).toEqual(NEW);
      }),
      { numRuns: 500 },
    );
  });

  it('with only a task and a time has no table, because the client is slow to write one', () => {
    const headers = { 'brokkr-task': 'mail:send', 'brokkr-at': '1795469590000' };
    const properties = encodeProperties({ id: 'i', queue: 'q', body: Buffer.of(), headers }, NEW);
    expect(properties).toEqual({
      messageId: 'i',
      persistent: true,
      mandatory: true,
      type: 'mail:send',
      timestamp: 1_795_469_590_000,
    });
  });

  it('of another program is read from the properties of the protocol', () => {
    const { envelope } = decodeMessage(message(Buffer.of(), { type: 'resize', timestamp: 1_795_469_590 }), 'q');
    expect(envelope.headers).toEqual({ 'brokkr-task': 'resize', 'brokkr-at': '1795469590000' });
  });

  it('treats a header with the name of its metadata as a header', () => {
    const given = { 'x-brokkr-fence': '7', 'x-brokkr-crashes': '2', 'X-Brokkr-Remaining': '9' };
    const { envelope, metadata } = roundTrip({ id: 'i', queue: 'q', body: Buffer.of(), headers: given });
    expect(metadata).toEqual(NEW);
    expect(envelope.headers).toEqual(given);
  });

  it('does not let a header make the server send copies to other queues', () => {
    const { headers: table } = encodeProperties(
      { id: 'i', queue: 'q', body: Buffer.of(), headers: { CC: 'other', BCC: 'other' } },
      NEW,
    );
    expect(table).not.toHaveProperty('CC');
    expect(table).not.toHaveProperty('BCC');
  });

  it('keeps its metadata and its time', () => {
    const metadata = { fence: 3, crashes: 2, remainingDelayMs: 50 };
    const envelope = { id: 'i', queue: 'q', body: Buffer.of(1), headers: {}, notBefore: 99, expiresAt: 100 };
    expect(roundTrip(envelope, metadata)).toMatchObject({ metadata, notBefore: 99, envelope: { expiresAt: 100 } });
    expect(roundTrip(envelope).envelope).not.toHaveProperty('notBefore');
  });
});

describe('a message that Brokkr never sent', () => {
  const cell = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.array(fc.string()),
    fc.dictionary(fc.string(), fc.string()),
    fc.constant({ '!': 'timestamp', value: 1 }),
  );
  const ours = fc.constantFrom(
    'x-brokkr-fence',
    'x-brokkr-crashes',
    'x-brokkr-remaining',
    'x-brokkr-expires',
    'x-brokkr-not-before',
    'x-brokkr-headers',
  );
  const table = fc
    .array(fc.tuple(fc.oneof(name, ours), cell), { maxLength: 20 })
    .map((cells) => Object.fromEntries(cells));

  it('is read whatever its table contains: plain headers, valid counters, an id', () => {
    fc.assert(
      fc.property(table, fc.option(cell), (given, messageId) => {
        const { envelope, metadata } = decodeMessage(message(Buffer.from('raw'), { headers: given, messageId }), 'q');
        expect(envelope.id).toMatch(/./s);
        expect(Buffer.from(envelope.body).toString()).toBe('raw');
        for (const value of Object.values(envelope.headers)) expect(typeof value).toBe('string');
        for (const counter of Object.values(metadata)) {
          expect(Number.isSafeInteger(counter)).toBe(true);
          expect(counter).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('without a table or an id gets a new id', () => {
    const first = decodeMessage(message(Buffer.of(), {}), 'q').envelope.id;
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
    expect(decodeMessage(message(Buffer.of(), {}), 'q').envelope.id).not.toBe(first);
  });

  it('keeps its bytes when the client reuses its buffer', () => {
    const window = Buffer.from('first');
    const { envelope } = decodeMessage(message(window, {}), 'q');
    window.write('other');
    expect(Buffer.from(envelope.body).toString()).toBe('first');
  });
});
