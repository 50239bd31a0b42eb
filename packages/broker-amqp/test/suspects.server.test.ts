import { firstMessages } from '@brokkr/core/adapter';
import { randomUUID } from 'node:crypto';
import type { Delivery, Envelope, Subscription } from '@brokkr/core/adapter';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { RabbitServer } from '../../../test/support/rabbitmq-server.ts';
import { TcpProxy } from '../../../test/support/tcp-proxy.ts';
import { AmqpBroker } from '../src/index.ts';

let server: RabbitServer;
beforeAll(async () => {
  server = await RabbitServer.start();
}, 90_000);
afterAll(() => server?.stop());

const cleanUps: (() => Promise<unknown>)[] = [];
let namespace: string;
beforeEach(() => {
  namespace = `t${randomUUID().slice(0, 8)}`;
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

function open(url = server.url): AmqpBroker {
  const broker = new AmqpBroker({ url, namespace });
  cleanUps.push(() => broker.close());
  return broker;
}

function envelope(id: string, queue = 'q'): Envelope {
  return { id, queue, body: Buffer.from('[1]'), headers: {} };
}

/** Publishes messages that have two crashes. */
async function suspects(...ids: readonly string[]): Promise<void> {
  const model = await server.client();
  const channel = await model.createConfirmChannel();
  for (const messageId of ids) {
    const headers = { 'x-brokkr-crashes': 2, 'x-brokkr-fence': 2 };
    channel.sendToQueue(`${namespace}.q.quarantine`, Buffer.from('[1]'), { messageId, headers, persistent: true });
  }
  await channel.waitForConfirms();
  await model.close();
}

async function receive(subscription: Subscription, limit = 10, boundMs = 15_000): Promise<readonly Delivery[]> {
  return subscription.receive(limit, { signal: AbortSignal.timeout(boundMs), wait: true });
}

async function ack(subscription: Subscription, deliveries: readonly Delivery[]): Promise<void> {
  expect(await subscription.settle(deliveries.map((delivery) => ({ kind: 'ack', delivery })))).toEqual([]);
}

function told(deliveries: readonly Delivery[]): readonly (readonly [string, number])[] {
  return deliveries.map(({ envelope: { id }, crashes }) => [id, crashes] as const);
}

it('a suspect is fetched by a worker that holds nothing, and nothing is delivered beside it', async () => {
  const broker = open();
  const q = await broker.subscribe('q', { prefetch: 5, workerId: 'w' });
  const other = await broker.subscribe('other', { prefetch: 5, workerId: 'w' });
  await broker.publish([envelope('a'), envelope('c', 'other')]);
  const a = await receive(q, 1);
  const c = await receive(other, 1);
  await suspects('s');
  const waiting = receive(q, 1);
  // Two looks later this process delivers nothing more, from any queue.
  expect(await receive(other, 1, 3_000)).toEqual([]);
  await broker.publish([envelope('d', 'other')]);
  expect(await receive(other, 1, 1_000)).toEqual([]);
  expect((await open().inspector.counts('q')).ready).toBe(1);
  await ack(q, a);
  await ack(other, c);
  const came = await waiting;
  expect(told(came)).toEqual([['s', 2]]);
  expect(await receive(other, 1, 1_000)).toEqual([]);
  await ack(q, came);
  expect(told(await receive(other, 1))).toEqual([['d', 0]]);
}, 90_000);

it('a suspect that waits while its worker crashes with another one is not charged', async () => {
  const proxy = await TcpProxy.open(server.port);
  cleanUps.push(() => proxy.close());
  const dying = open(`amqp://127.0.0.1:${proxy.port}`);
  const subscription = await dying.subscribe('q', { prefetch: 5 });
  await dying.publish([envelope('killer')]);
  const [killer] = await receive(subscription, 1);
  await suspects('s');
  // It looks at the quarantine every second, and would fetch the suspect if it ignored the messages it holds.
  expect(await receive(subscription, 1, 3_500)).toEqual([]);
  proxy.reset();
  await expect.poll(() => subscription.extend([killer as Delivery])).toEqual([killer]);
  await dying.close();
  const rest = await open().subscribe('q', { prefetch: 5 });
  const crashes = new Map<string, number>();
  while (crashes.size < 2) {
    const got = await receive(rest, 1);
    for (const [id, count] of told(got)) crashes.set(id, count);
    await ack(rest, got);
  }
  expect(crashes.get('s')).toBe(2);
}, 90_000);

it('looking at the quarantine never charges a message with a crash', async () => {
  const broker = open();
  await (await broker.subscribe('q', {})).close();
  await suspects('s1', 's2');
  for (let look = 0; look < 10; look++) {
    const seen = await firstMessages(broker.inspector, 'q', 'ready', 10);
    expect(new Set(seen.map(({ id }) => id))).toEqual(new Set(['s1', 's2']));
  }
  const subscription = await broker.subscribe('q', { prefetch: 5 });
  for (let n = 0; n < 2; n++) {
    const came = await receive(subscription, 1);
    expect(came[0]?.crashes).toBe(2);
    await ack(subscription, came);
  }
}, 90_000);

it('a failed move does not charge a suspect either', async () => {
  const broker = open();
  await (await broker.subscribe('q', {})).close();
  await suspects('s');
  for (let attempt = 0; attempt < 3; attempt++) {
    await expect(broker.inspector.take('q', 10, () => Promise.reject(new Error('no target')))).rejects.toThrow(
      'no target',
    );
  }
  const subscription = await broker.subscribe('q', {});
  expect(told(await receive(subscription, 1))).toEqual([['s', 2]]);
}, 90_000);

it('a failed purge does not charge a suspect, and the next one shows and removes it', async () => {
  const broker = open();
  await (await broker.subscribe('q', {})).close();
  await suspects('s');
  for (let attempt = 0; attempt < 2; attempt++) {
    const purge = broker.inspector.purge('q', () => Promise.reject(new Error('no store')));
    await expect(purge).rejects.toThrow('no store');
  }
  const subscription = await broker.subscribe('q', {});
  const [delivery] = await receive(subscription, 1);
  expect(delivery?.crashes).toBe(2);
  await subscription.settle([{ kind: 'release', delivery: delivery as Delivery }]);
  await subscription.close();
  const shown: string[] = [];
  await expect
    .poll(() => broker.inspector.purge('q', async (envelopes) => void shown.push(...envelopes.map(({ id }) => id))))
    .toBe(1);
  expect(shown).toEqual(['s']);
}, 90_000);

it('a crash of a suspect that runs alone is charged, as its third', async () => {
  const proxy = await TcpProxy.open(server.port);
  cleanUps.push(() => proxy.close());
  const dying = open(`amqp://127.0.0.1:${proxy.port}`);
  const subscription = await dying.subscribe('q', {});
  await suspects('s');
  expect(told(await receive(subscription, 1))).toEqual([['s', 2]]);
  const closing = dying.close();
  proxy.reset();
  await closing;
  const next = await open().subscribe('q', {});
  expect(told(await receive(next, 1))).toEqual([['s', 3]]);
}, 90_000);
