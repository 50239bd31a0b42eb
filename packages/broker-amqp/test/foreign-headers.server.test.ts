import { firstMessages } from '@brokkr/core/adapter';
import type { Message } from 'amqplib';
import { expect, it } from 'vitest';
import { decodeMessage } from '../src/publishing/envelope-codec.ts';
import { RabbitBench, ack, envelope, one } from './rabbit-bench.ts';

const bench = new RabbitBench();
const MARKER = Buffer.from('\x06nestedS', 'latin1');
const TABLE = 'F'.charCodeAt(0);

/** Nested tables in wire format: seven bytes for each. A client that encodes them would overflow its stack. */
function nested(depth: number): Buffer {
  const tables = Buffer.alloc(7 * depth);
  for (let level = 0; level < depth; level++) {
    tables.write('\x01aF', 7 * level, 'latin1');
    tables.writeUInt32BE(7 * (depth - level - 1), 7 * level + 3);
  }
  return tables;
}

/** Sends a message with a header that is nested `depth` deep. */
async function sendNested(depth: number): Promise<void> {
  const model = await bench.server.client();
  const { stream } = model.connection as unknown as { stream: { write(chunk: Buffer, ...rest: unknown[]): boolean } };
  const write = stream.write.bind(stream);
  const tables = nested(depth);
  stream.write = (chunk, ...rest) => {
    const at = chunk.indexOf(MARKER);
    if (at >= 0) {
      const tag = at + MARKER.byteLength - 1;
      chunk.writeUInt8(TABLE, tag);
      tables.copy(chunk, tag + 5);
    }
    return write(chunk, ...rest);
  };
  const channel = await model.createConfirmChannel();
  const headers = { nested: 'x'.repeat(tables.byteLength) };
  channel.sendToQueue(`${bench.namespace}.q`, Buffer.from('deep'), { headers, messageId: 'deep' });
  await channel.waitForConfirms();
  await model.close();
}

it('a header that is nested 8,000 deep does not break the connection, and its message arrives', async () => {
  const broker = bench.open();
  const subscription = await broker.subscribe('q', { prefetch: 5 });
  await sendNested(8_000);
  await broker.publish([envelope('next')]);
  const deep = await one(subscription);
  expect(Buffer.from(deep.envelope.body).toString()).toBe('deep');
  expect(deep.envelope.headers).toEqual({});
  const next = await one(subscription);
  expect(next.envelope.id).toBe('next');
  expect(await ack(subscription, deep, next)).toEqual([]);
  expect((await broker.inspector.counts('q')).ready).toBe(0);
}, 90_000);

it.each([
  ['bytes', Buffer.from([0xff, 0xfe, 0x00])],
  ['a nested table', { a: { b: { c: 1 } } }],
  ['an array', [1, 'a', [true, null]]],
  ['nothing', null],
  ['a number without end', 1.5e300],
  ['a timestamp', { '!': 'timestamp', value: 1 }],
])('a foreign header with %s is left out or made a string, and its message can be retried', async (_, value) => {
  const broker = bench.open();
  const subscription = await broker.subscribe('q', {});
  await bench.meddle(async (channel) => {
    const headers = { 'brokkr-history': value, odd: value, 'x-death': value, 'x-brokkr-crashes': value };
    channel.sendToQueue(`${bench.namespace}.q`, Buffer.from('[]'), { headers, messageId: 'odd', type: 't' });
  });
  const delivery = await one(subscription);
  expect(delivery).toMatchObject({ crashes: 0, envelope: { id: 'odd', headers: { 'brokkr-task': 't' } } });
  const { envelope: replacement } = delivery;
  expect(await subscription.settle([{ kind: 'retry', delivery, replacement }])).toEqual([]);
  const again = await one(subscription);
  const letter = { ...again.envelope, queue: 'q.dead' };
  await subscription.settle([{ kind: 'dead-letter', delivery: again, reason: 'r', replacement: letter }]);
  expect((await firstMessages(broker.inspector, 'q', 'dead', 10)).map(({ id }) => id)).toEqual(['odd']);
});

it('reads 1,000 of 200,000 foreign headers of a message', () => {
  const headers = Object.fromEntries(Array.from({ length: 200_000 }, (_, index) => [`h${index}`, 'v']));
  const message = { fields: {}, properties: { headers, messageId: 'm' }, content: Buffer.from('[]') };
  const { envelope: read } = decodeMessage(message as unknown as Message, 'q');
  expect(Object.keys(read.headers)).toHaveLength(1_000);
});
