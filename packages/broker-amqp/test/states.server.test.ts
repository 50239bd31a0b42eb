import { randomUUID } from 'node:crypto';
import type { GetMessage } from 'amqplib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RabbitServer } from '../../../test/support/rabbitmq-server.ts';
import { AmqpBroker } from '../src/index.ts';

let server: RabbitServer;
let namespace: string;
const brokers: AmqpBroker[] = [];
beforeAll(async () => {
  server = await RabbitServer.start();
}, 90_000);
afterAll(() => server?.stop());
beforeEach(() => {
  namespace = `t${randomUUID().slice(0, 8)}`;
});
afterEach(() => Promise.all(brokers.splice(0).map((broker) => broker.close())));

function open(sendTimeoutMs = 30_000): AmqpBroker {
  const broker = new AmqpBroker({ url: server.url, namespace, sendTimeoutMs });
  brokers.push(broker);
  return broker;
}

async function stateQueues(): Promise<{ readonly name: string; readonly messages: number }[]> {
  const lines = (await server.control('list_queues', '-q', '--no-table-headers', 'name', 'messages')).split('\n');
  return lines
    .map((line) => line.split('\t'))
    .map(([name = '', messages]) => ({ name, messages: Number(messages) }))
    .filter(({ name }) => name.startsWith(`${namespace}:state:`));
}

/** The server's counts of quorum queues are some seconds old. */
async function counts(): Promise<number[]> {
  return (await stateQueues()).map(({ messages }) => messages);
}

/** A process that takes the message with the state, and then does not answer. */
async function holder(): Promise<{ held: GetMessage; put(value: string): Promise<void>; die(): void }> {
  const [queue] = await stateQueues();
  const model = await server.client();
  model.on('error', () => undefined);
  const channel = await model.createConfirmChannel();
  const held = (await channel.get(queue?.name as string)) as GetMessage;
  return {
    held,
    async put(value) {
      channel.sendToQueue(queue?.name as string, Buffer.from(JSON.stringify({ key: value })), { persistent: true });
      await channel.waitForConfirms();
    },
    die: () => (model.connection as unknown as { stream: { destroy(): void } }).stream.destroy(),
  };
}

describe('state on RabbitMQ', () => {
  it('of a thousand jobs is written and read within the send timeout, in 16 queues of one message', async () => {
    const [one, other] = [open(), open()];
    const keys = Array.from({ length: 1_000 }, (_, index) => `schedule:last:${index}`);
    const startedAt = performance.now();
    await Promise.all(keys.map((key) => one.states.set(key, key)));
    const written = performance.now();
    expect(await Promise.all(keys.map((key) => other.states.get(key)))).toEqual(keys);
    const readMs = performance.now() - written;
    process.stdout.write(
      `state of 1,000 jobs on RabbitMQ: written for the first time in ${Math.round(written - startedAt)} ms, read in ${Math.round(readMs)} ms\n`,
    );
    await expect.poll(counts, { timeout: 30_000 }).toEqual(Array(16).fill(1));
  }, 90_000);

  it('loses no write of several processes that begin and continue at the same time', async () => {
    const several = Array.from({ length: 4 }, () => open());
    const writes = several.flatMap((broker, who) =>
      Array.from({ length: 50 }, async (_, index) => {
        await broker.states.set(`${who}-${index}`, 'first');
        await broker.states.set(`${who}-${index}`, 'second');
        expect(await broker.states.get(`${who}-${index}`)).toBe('second');
      }),
    );
    await Promise.all(writes);
    const keys = several.flatMap((_, who) => Array.from({ length: 50 }, (_, index) => `${who}-${index}`));
    expect(await Promise.all(keys.map((key) => open().states.get(key)))).toEqual(Array(200).fill('second'));
  }, 90_000);

  it('is waited for, and not treated as missing, while an unresponsive process holds it', async () => {
    const [broker, hasty] = [open(), open(300)];
    await broker.states.set('key', 'before');
    const { die } = await holder();
    await expect(hasty.states.get('key')).rejects.toThrow(/another process held the state/);
    await expect(hasty.states.set('key', 'too late')).rejects.toThrow(/another process held the state/);
    const waiting = broker.states.get('key');
    die();
    expect(await waiting).toBe('before');
    expect(await hasty.states.get('key')).toBe('before');
  }, 90_000);

  it('is the newer one if its writer died before it could remove the older one', async () => {
    const broker = open();
    await broker.states.set('key', 'before');
    const { put, die } = await holder();
    await put('after');
    expect(await broker.states.get('key')).toBe('after');
    die();
    await expect.poll(counts, { timeout: 30_000 }).toEqual([1]);
    expect(await broker.states.get('key')).toBe('after');
  }, 90_000);

  it('is replaced from time to time, so that reading it for months does not fill the log of its queue', async () => {
    const broker = open();
    await broker.states.set('key', 'value');
    const read = async (times: number) => {
      for (let count = 0; count < times; count++) expect(await broker.states.get('key')).toBe('value');
    };
    const counted = async () => {
      const { held, die } = await holder();
      die();
      return Number(held.properties.headers?.['x-delivery-count'] ?? 0);
    };
    await read(400);
    expect(await counted()).toBeGreaterThan(300);
    await read(120);
    // The message is replaced beside the reads.
    await expect.poll(counted, { timeout: 20_000 }).toBeLessThan(300);
  }, 90_000);

  it('is read during an alarm for memory, which refuses changes', async () => {
    const broker = open(3_000);
    await broker.states.set('key', 'value');
    await server.control('set_vm_memory_high_watermark', 'absolute', '1MB');
    try {
      const envelope = { id: 'a', queue: 'q', body: Buffer.from('[]'), headers: {} };
      await expect(broker.publish([envelope])).rejects.toMatchObject({ code: 'BROKER_BLOCKED' });
      await expect(broker.states.set('key', 'other')).rejects.toMatchObject({ code: 'BROKER_BLOCKED' });
      const started = open(3_000);
      expect(await started.states.get('key')).toBe('value');
      expect(await started.states.get('a key of a queue that no process has founded')).toBeUndefined();
    } finally {
      await server.control('set_vm_memory_high_watermark', '0.6');
    }
    await expect.poll(() => broker.states.set('key', 'other').catch(String), { timeout: 20_000 }).toBeUndefined();
    expect(await open().states.get('key')).toBe('other');
  }, 90_000);
});
