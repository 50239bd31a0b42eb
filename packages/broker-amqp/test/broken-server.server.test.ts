import { firstMessages } from '@brokkr/core/adapter';
import { randomUUID } from 'node:crypto';
import type { BrokerOptions, Delivery } from '@brokkr/core/adapter';
import { describe, expect, it } from 'vitest';
import { RabbitBench, ack, envelope, one, receive } from './rabbit-bench.ts';

const bench = new RabbitBench();

describe('changes to our queues by other programs', () => {
  it('a queue that is deleted under its consumer is declared again and consumed', async () => {
    const broker = bench.open();
    const subscription = await broker.subscribe('q', { prefetch: 5 });
    await broker.publish([envelope()]);
    await ack(subscription, await one(subscription));
    for (let round = 0; round < 10; round++) {
      const waiting = one(subscription);
      await bench.meddle((channel) => channel.deleteQueue(`${bench.namespace}.q`));
      const id = `after-${round}`;
      await broker.publish([envelope(id)]);
      const delivery = await waiting;
      expect(delivery.envelope.id).toBe(id);
      await ack(subscription, delivery);
    }
  }, 90_000);

  it('a queue that is deleted at the moment at which its consumer begins is consumed', async () => {
    const broker = bench.open();
    for (let round = 0; round < 10; round++) {
      const subscription = await broker.subscribe('q', {});
      const waiting = one(subscription);
      await bench.meddle((channel) => channel.deleteQueue(`${bench.namespace}.q`));
      await broker.publish([envelope()]);
      await ack(subscription, await waiting);
      await subscription.close();
    }
  }, 90_000);

  it('a message for a queue, a rung or dead letters that were deleted is stored', async () => {
    const broker = bench.open();
    await broker.publish([envelope(), { ...envelope(), notBefore: Date.now() + 200 }]);
    await bench.meddle((channel) => channel.deleteQueue(`${bench.namespace}.q`));
    await broker.publish([envelope('routed')]);
    const subscription = await broker.subscribe('q', { prefetch: 10 });
    const first = await one(subscription);
    await bench.meddle((channel) => channel.deleteQueue(`${bench.namespace}.q.dead`));
    await subscription.settle([
      { kind: 'dead-letter', delivery: first, reason: 'r', replacement: { ...first.envelope, queue: 'q.dead' } },
    ]);
    expect((await firstMessages(broker.inspector, 'q', 'dead', 10)).map(({ id }) => id)).toEqual([first.envelope.id]);
    for (let steps = 1; steps < 32; steps++) {
      await bench.meddle((channel) => channel.deleteQueue(`${bench.namespace}.q.delay.0.${steps}`));
    }
    await broker.publish([{ ...envelope('late'), notBefore: Date.now() + 200 }]);
    await expect
      .poll(
        async () => {
          const got = await receive(subscription, 10, 1_000);
          await ack(subscription, ...got);
          return got.map(({ envelope: { id } }) => id);
        },
        { timeout: 10_000 },
      )
      .toContain('late');
  }, 90_000);

  it('an exchange that is deleted is declared again', async () => {
    const broker = bench.open();
    const later = () => broker.publish([{ ...envelope(), notBefore: Date.now() + 50 }]);
    await later();
    await bench.meddle(async (channel) => {
      for (let level = 0; level < 5; level++) await channel.deleteExchange(`${bench.namespace}.q.delay.${level}`);
    });
    await later();
    const subscription = await broker.subscribe('q', {});
    await ack(subscription, await one(subscription));
  }, 90_000);

  it('a full queue that refuses is a clear error, and refused messages do not count as stored', async () => {
    await bench.server.control(
      'set_policy',
      'full',
      `^${bench.namespace}\\.q$`,
      '{"max-length":5,"overflow":"reject-publish"}',
      '--apply-to',
      'queues',
    );
    bench.onCleanUp(() => bench.server.control('clear_policy', 'full'));
    const broker = bench.open(bench.server.url, { sendTimeoutMs: 700 });
    let stored = 0;
    let refused: unknown;
    for (let n = 0; n < 30 && refused === undefined; n++) {
      await broker.publish([envelope()]).then(
        () => void stored++,
        (error: unknown) => {
          refused = error;
        },
      );
    }
    expect(refused).toMatchObject({ code: 'BROKER_FULL' });
    const subscription = await broker.subscribe('q', { prefetch: 100 });
    let got = 0;
    while (got < stored) {
      const deliveries = await receive(subscription);
      got += deliveries.length;
      await ack(subscription, ...deliveries);
    }
    expect(got).toBeGreaterThanOrEqual(stored);
  }, 90_000);

  it('a queue with other arguments is an error with queue and argument, for senders and consumers', async () => {
    await bench.meddle((channel) =>
      channel.assertQueue(`${bench.namespace}.q`, { arguments: { 'x-queue-type': 'quorum' } }),
    );
    const broker = bench.open();
    const mismatch = { code: 'QUEUE_MISMATCH', message: expect.stringMatching(/\.q exists with .*x-[a-z-]+/s) };
    await expect(broker.publish([envelope()])).rejects.toMatchObject(mismatch);
    await expect(broker.subscribe('q', {})).rejects.toMatchObject(mismatch);
    // Another queue of the same application is not affected.
    await broker.publish([{ ...envelope(), queue: 'other' }]);
  }, 90_000);
});

describe('the diagnosis', () => {
  it('finds queues and exchanges that another program declared with other arguments, and creates nothing', async () => {
    const { namespace } = bench;
    await bench.meddle(async (channel) => {
      await channel.assertQueue(`${namespace}.dead-bent.dead`, { arguments: { 'x-message-ttl': 60_000 } });
      await channel.assertQueue(`${namespace}.bent`, { arguments: { 'x-queue-type': 'quorum' } });
      await channel.assertExchange(`${namespace}.sound.delay.0`, 'fanout');
    });
    const broker = bench.open(bench.server.url, { knownQueues: () => ['dead-bent', 'bent', 'sound', 'absent'] });
    const findings = await broker.diagnostics.diagnose();
    expect(findings.map(({ severity, code }) => `${severity} ${code}`)).toEqual(
      Array.from({ length: 3 }, () => 'error QUEUE_MISMATCH'),
    );
    const texts = [
      /^queue \S+\.dead-bent\.dead exists with other arguments/,
      /^queue \S+\.bent exists/,
      /^exchange \S+\.sound\.delay\.0 exists/,
    ];
    for (const [index, text] of texts.entries()) {
      expect(findings[index]?.message).toMatch(text);
      expect(findings[index]?.message).toContain('empty and delete it, or set another TASK_NAMESPACE');
    }
    const names = await bench.server.control('list_queues', 'name');
    expect(
      names
        .split('\n')
        .filter((name) => name.startsWith(namespace))
        .sort(),
    ).toEqual([`${namespace}.bent`, `${namespace}.dead-bent.dead`]);
  }, 60_000);

  it('finds nothing in queues that Brokkr declared', async () => {
    const broker = bench.open();
    await broker.publish([envelope()]);
    expect(await broker.diagnostics.diagnose()).toEqual([]);
  }, 60_000);
});

describe('users and addresses', () => {
  async function user(configure: string): Promise<string> {
    const name = `u${randomUUID().slice(0, 6)}`;
    await bench.server.control('add_user', name, 's3cret');
    await bench.server.control('set_permissions', name, configure, '.*', '.*');
    bench.onCleanUp(() => bench.server.control('delete_user', name));
    return `amqp://${name}:s3cret@127.0.0.1:${bench.server.port}`;
  }

  it('a user that may not configure can work if the topology exists', async () => {
    const owner = bench.open();
    await owner.publish([{ ...envelope(), notBefore: Date.now() + 50 }]);
    const broker = bench.open(await user('^$'));
    await broker.publish([envelope('direct'), { ...envelope('later'), notBefore: Date.now() + 50 }]);
    const subscription = await broker.subscribe('q', { prefetch: 10 });
    const seen = new Set<string>();
    while (!seen.has('direct') || !seen.has('later')) {
      const deliveries = await receive(subscription);
      for (const {
        envelope: { id },
      } of deliveries)
        seen.add(id);
      await ack(subscription, ...deliveries);
    }
  }, 90_000);

  it('can delay messages if everything that a queue may need was declared', async () => {
    await bench.open(`${bench.server.url}?queueType=classic`).declare('q');
    const broker = bench.open(`${await user('^$')}?queueType=classic`);
    const delaysMs = [1, 777, 31_999, 1_234_567, 86_400_000, 40 * 86_400_000];
    await broker.publish(delaysMs.map((delayMs) => ({ ...envelope(), notBefore: Date.now() + delayMs })));
    expect((await broker.inspector.counts('q')).delayed).toBeGreaterThanOrEqual(delaysMs.length - 2);
  }, 120_000);

  it('gets an error with the missing queue or exchange otherwise', async () => {
    const broker = bench.open(await user('^$'));
    const refused = { code: 'QUEUE_REFUSED', message: expect.stringContaining(`${bench.namespace}`) };
    await expect(broker.publish([envelope()])).rejects.toMatchObject(refused);
    await expect(broker.subscribe('q', {})).rejects.toMatchObject(refused);
  }, 90_000);

  it.each([
    ['a wrong password', 'BROKER_REFUSED', () => `amqp://guest:s3cret@127.0.0.1:${bench.server.port}`],
    [
      'a virtual host that is missing',
      'BROKER_REFUSED',
      () => `amqp://guest:guest@127.0.0.1:${bench.server.port}/s3cret-none`,
    ],
    ['nobody at the address', 'BROKER_UNAVAILABLE', () => 'amqp://guest:s3cret@127.0.0.1:1'],
  ])(
    '%s is reported within the send timeout, without a secret',
    async (_, code, url) => {
      const lines: unknown[] = [];
      const log = (...line: unknown[]) => void lines.push(line);
      const logger = { trace: log, debug: log, info: log, warn: log, error: log, fatal: log };
      const broker = bench.open(url(), {
        sendTimeoutMs: 2_000,
        logger: logger as unknown as NonNullable<BrokerOptions['logger']>,
      });
      const startedAt = performance.now();
      const error = (await broker.publish([envelope()]).catch((failure: unknown) => failure)) as Error;
      expect(performance.now() - startedAt).toBeLessThan(4_000);
      expect(error).toMatchObject({ code });
      expect(error.message).toContain('RabbitMQ at 127.0.0.1:');
      expect(String(error.cause)).toMatch(/ACCESS_REFUSED|vhost \S+ not found|ECONNREFUSED/);
      const told = `${error.stack} ${String(error.cause)} ${JSON.stringify(lines)}`;
      expect(told.replaceAll('s3cret-none', '')).not.toContain('s3cret');
    },
    90_000,
  );

  it('the first of several hosts may be down', async () => {
    for (let round = 0; round < 4; round++) {
      const broker = bench.open(`amqp://127.0.0.1:1,127.0.0.1:${bench.server.port}`);
      await broker.publish([envelope()]);
    }
    const subscription = await bench
      .open(`amqp://127.0.0.1:1,127.0.0.1:${bench.server.port}`)
      .subscribe('q', { prefetch: 10 });
    expect((await receive(subscription)).length).toBeGreaterThan(0);
  }, 90_000);

  it('classic queues work the same way', async () => {
    const broker = bench.open(`${bench.server.url}?queueType=classic`);
    await broker.publish([envelope('a'), { ...envelope('b'), notBefore: Date.now() + 40 }]);
    const subscription = await broker.subscribe('q', {});
    const a = await one(subscription);
    await subscription.settle([{ kind: 'release', delivery: a }]);
    const ids = new Set<string>();
    while (ids.size < 2) {
      const delivery = await one(subscription);
      ids.add(delivery.envelope.id);
      await ack(subscription, delivery);
    }
    expect(await broker.inspector.counts('q')).toMatchObject({ ready: 0, delayed: 0, dead: 0 });
  }, 90_000);
});

describe('time limits and alarms', () => {
  it('a consumer that holds a message for longer than consumer_timeout loses it, and keeps consuming', async () => {
    const allow = (ms: number) => bench.server.control('eval', `application:set_env(rabbit, consumer_timeout, ${ms}).`);
    await allow(5_000);
    bench.onCleanUp(() => allow(1_800_000));
    const broker = bench.open();
    const subscription = await broker.subscribe('q', { leaseMs: 30_000, prefetch: 2 });
    await broker.publish([envelope('slow')]);
    const slow = await one(subscription);
    const again = await receive(subscription, 1, 20_000);
    expect(again.map(({ envelope: { id } }) => id)).toEqual(['slow']);
    expect(await subscription.extend([slow])).toEqual([slow]);
    expect(await ack(subscription, slow)).toEqual([slow]);
    await ack(subscription, ...again);
    await expect.poll(() => bench.held(), { timeout: 10_000 }).toBe(0);
  }, 90_000);

  it.each([
    ['memory', ['set_vm_memory_high_watermark', 'absolute', '1MB'], ['set_vm_memory_high_watermark', '0.6']],
    ['disk', ['set_disk_free_limit', '90000GB'], ['set_disk_free_limit', '50MB']],
  ])(
    'an alarm for %s stops sends but never acknowledgements, and ends',
    async (_, on, off) => {
      const broker = bench.open(bench.server.url, { sendTimeoutMs: 1_500 });
      await broker.publish([
        ...Array.from({ length: 20 }, () => envelope()),
        { ...envelope(), notBefore: Date.now() + 1 },
      ]);
      const subscription = await broker.subscribe('q', { prefetch: 30 });
      const deliveries: Delivery[] = [];
      while (deliveries.length < 21) deliveries.push(...(await receive(subscription, 30)));
      await bench.server.control(...on);
      bench.onCleanUp(() => bench.server.control(...off));
      // The server blocks the connection at the first message after the alarm.
      await expect(broker.publish([envelope('doubt')])).rejects.toMatchObject({ code: 'BROKER_BLOCKED' });
      // Looking must not block the connection of acknowledgements either.
      await broker.inspector
        .counts('q')
        .catch((error: unknown) => expect(error).toMatchObject({ code: 'BROKER_BLOCKED' }));
      expect(await ack(subscription, ...deliveries)).toEqual([]);
      const other = bench.open();
      const before = await other.subscribe('q', { prefetch: 1 });
      await expect
        .poll(() => bench.held(), { timeout: 10_000, message: 'all is acknowledged during the alarm' })
        .toBe(0);
      await before.close();
      await bench.server.control(...off);
      const stored = () => broker.publish([envelope('waited')]).then(() => 'stored', String);
      await expect.poll(stored, { timeout: 15_000 }).toBe('stored');
      const seen = new Set<string>();
      while (!seen.has('waited')) {
        const got = await receive(subscription);
        for (const {
          envelope: { id },
        } of got)
          seen.add(id);
        await ack(subscription, ...got);
      }
    },
    90_000,
  );
});
