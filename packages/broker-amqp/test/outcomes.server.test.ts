import { TaskManager } from '@brokkr/core';
import { PartlyStoredError, firstMessages } from '@brokkr/core/adapter';
import type { Channel } from 'amqplib';
import { describe, expect, it } from 'vitest';
import { envelope, one, RabbitBench, receive } from './rabbit-bench.ts';

const bench = new RabbitBench();

/** Returns the code of each message's outcome; `stored` if it was stored. */
async function outcomes(publishing: Promise<unknown>): Promise<readonly string[] | string> {
  const error = await publishing.then(
    () => 'stored',
    (cause: unknown) => cause,
  );
  if (!PartlyStoredError.is(error)) return error === 'stored' ? error : (error as { code: string }).code;
  return error.outcomes.map((outcome) => ('code' in outcome ? outcome.code : 'stored'));
}

/** Makes a queue of this test's namespace refuse further messages. */
async function fill(queue: string): Promise<void> {
  const name = `${bench.namespace}.${queue}`;
  const policy = JSON.stringify({ 'max-length': 1, overflow: 'reject-publish' });
  await bench.server.control('set_policy', name, `^${name}$`, policy, '--apply-to', 'queues');
  await bench.meddle(async (channel) => {
    // The limit is approximate: the queue is full once it refuses.
    await expect
      .poll(async () => {
        channel.sendToQueue(name, Buffer.from('filler'));
        return (await channel.checkQueue(name)).messageCount;
      })
      .toBeGreaterThan(1);
  });
}

const ids = (channel: Channel, queue: string) => channel.get(`${bench.namespace}.${queue}`, { noAck: true });

/** Returns how often each message is in a queue, which it empties. */
async function standing(queue: string): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  await bench.meddle(async (channel) => {
    for (let got = await ids(channel, queue); got !== false; got = await ids(channel, queue)) {
      const id = String(got.properties.messageId);
      found[id] = (found[id] ?? 0) + 1;
    }
  });
  return found;
}

describe('a message that cannot be stored', () => {
  it('is rejected alone; the rest of its batch is stored', async () => {
    const broker = bench.open();
    await broker.publish([envelope(), { ...envelope(), queue: 'full' }]);
    await fill('full');
    const sent = [envelope('a'), { ...envelope('refused'), queue: 'full' }, envelope('b')];
    expect(await outcomes(broker.publish(sent))).toEqual(['stored', 'BROKER_FULL', 'stored']);
    expect(await standing('q')).toMatchObject({ a: 1, b: 1 });
  });

  it('is rejected alone by `send`; the other messages of the call have handles', async () => {
    const tm = TaskManager.getInstance(bench.namespace);
    const { namespace, server } = bench;
    await tm.initialize({ brokerUrl: server.url, namespace, sendTimeout: '2s', logLevel: 'silent' });
    bench.onCleanUp(() => tm.close());
    const good = tm.task({ name: 'good', queueName: 'q' }, async () => undefined);
    const bad = tm.task({ name: 'bad', queueName: 'full' }, async () => undefined);
    await Promise.all([good.send(), bad.send()]);
    await fill('full');
    const [first, refused, last] = await Promise.allSettled([good.send(), bad.send(), good.send()]);
    expect([first?.status, last?.status]).toEqual(['fulfilled', 'fulfilled']);
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'BROKER_FULL' } });
  });

  it('does not prevent settlements of the same call, which take effect once however often they are repeated', async () => {
    const broker = bench.open();
    const subscription = await broker.subscribe('q', { prefetch: 10 });
    const sent = Array.from({ length: 6 }, (_, index) => envelope(`m${index}`));
    await broker.publish(sent);
    const held: Awaited<ReturnType<typeof receive>>[number][] = [];
    while (held.length < 6) held.push(...(await receive(subscription)));
    await fill('q.dead');
    const settlements = held.map((delivery, index) =>
      index === 0
        ? ({ kind: 'dead-letter', delivery, reason: 'r', replacement: delivery.envelope } as const)
        : index === 5
          ? ({ kind: 'ack', delivery } as const)
          : ({ kind: 'retry', delivery, replacement: delivery.envelope } as const),
    );
    for (let time = 0; time < 3; time++) {
      await expect(subscription.settle(settlements)).rejects.toMatchObject({ code: 'BROKER_FULL' });
    }
    await subscription.close();
    const found = await standing('q');
    expect(found).toEqual({ m0: 1, m1: 1, m2: 1, m3: 1, m4: 1 });
  }, 90_000);

  it('because it is larger than the server accepts is refused alone, immediately', async () => {
    await bench.server.control('eval', 'application:set_env(rabbit, max_message_size, 100000).');
    bench.onCleanUp(() => bench.server.control('eval', 'application:set_env(rabbit, max_message_size, 134217728).'));
    const broker = bench.open();
    await broker.publish([envelope('first')]);
    const large = { ...envelope('large'), body: Buffer.alloc(150_000, 0x20) };
    const sent = [envelope('a'), large, envelope('b')];
    expect(await outcomes(broker.publish(sent))).toEqual(['stored', 'PAYLOAD_TOO_LARGE', 'stored']);
    expect(await outcomes(broker.publish([large]))).toBe('PAYLOAD_TOO_LARGE');
    const found = await standing('q');
    expect(Object.keys(found).toSorted()).toEqual(['a', 'b', 'first']);
  });

  it('because it has more headers than the client can write is refused, and the process goes on', async () => {
    const broker = bench.open();
    await broker.publish([envelope()]);
    const headers = Object.fromEntries(
      Array.from({ length: 70 }, (_, index) => [`brokkr-${index}`, 'x'.repeat(1_000)]),
    );
    expect(await outcomes(broker.publish([envelope('a'), { ...envelope(), headers }]))).toEqual([
      'stored',
      'HEADERS_TOO_LARGE',
    ]);
  });
});

it('dead-letters a foreign message with huge headers without its history and its longest headers', async () => {
  const broker = bench.open();
  const subscription = await broker.subscribe('q', {});
  await bench.meddle(async (channel) => {
    const headers = { long: 'x'.repeat(60_000), short: 'kept', other: 'kept' };
    channel.sendToQueue(`${bench.namespace}.q`, Buffer.from('foreign'), { headers, messageId: 'f' });
  });
  const delivery = await one(subscription);
  const history = 'y'.repeat(16_000);
  const replacement = { ...delivery.envelope, headers: { ...delivery.envelope.headers, 'brokkr-history': history } };
  await subscription.settle([{ kind: 'dead-letter', delivery, reason: 'r', replacement }]);
  const [letter] = await firstMessages(broker.inspector, 'q', 'dead', 1);
  expect(letter?.headers).toEqual({ short: 'kept', other: 'kept' });
  expect(Buffer.from(letter?.body ?? []).toString()).toBe('foreign');
});

it('a queue that does not answer delays no other queue', async () => {
  const broker = bench.open();
  await broker.publish([envelope(), { ...envelope(), queue: 'stuck' }]);
  const stuck = `'%2F_${bench.namespace}.stuck'`;
  await bench.server.control('eval', `sys:suspend(${stuck}).`);
  bench.onCleanUp(() => bench.server.control('eval', `sys:resume(${stuck}).`));
  const waiting = outcomes(broker.publish([{ ...envelope(), queue: 'stuck' }]));
  for (let index = 0; index < 20; index++) await broker.publish([envelope(`good-${index}`)]);
  expect(await waiting).toBe('BROKER_UNAVAILABLE');
});

it('a broker that is created directly waits for its server although its time limit is 30 days', async () => {
  const broker = bench.open(bench.server.url, { sendTimeoutMs: 30 * 86_400_000 });
  expect(await broker.publish([envelope('a')])).toEqual([{ id: 'a', isNew: true }]);
  expect(() => bench.open(bench.server.url, { sendTimeoutMs: 0 })).toThrow(/sendTimeoutMs must be a number/);
});

it('a send of a process that never reached RabbitMQ is not stored, and one whose connection broke may be', async () => {
  const unreached = bench.open('amqp://127.0.0.1:1', { sendTimeoutMs: 300 });
  const expiring = { ...envelope('b'), expiresAt: Date.now() + 60_000 };
  for (const message of [envelope('a'), expiring]) {
    await expect(unreached.publish([message])).rejects.toMatchObject({
      code: 'BROKER_UNAVAILABLE',
      mayBeStored: false,
    });
  }
  const proxy = await bench.proxied();
  const url = new URL(bench.server.url);
  url.port = String(proxy.port);
  const reached = bench.open(url.href, { sendTimeoutMs: 1_000 });
  await reached.publish([envelope('c')]);
  proxy.mode = 'half-open';
  await expect(reached.publish([envelope('d')])).rejects.toMatchObject({ mayBeStored: undefined });
});

it.each([0, 1, 2, 3])(
  'a send whose process is blocked for longer than its timeout, %d turns later, is stored',
  async (turns) => {
    const broker = bench.open(bench.server.url, { sendTimeoutMs: 1_000 });
    await broker.publish([envelope('first')]);
    const known = outcomes(broker.publish([envelope('a')]));
    for (let turn = 0; turn < turns; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
    const until = performance.now() + 1_500;
    while (performance.now() < until);
    expect(await known).toBe('stored');
  },
);
