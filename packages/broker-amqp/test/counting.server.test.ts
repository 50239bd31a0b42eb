import { afterEach, describe, expect, it } from 'vitest';
import { RabbitBench, envelope } from './rabbit-bench.ts';

const bench = new RabbitBench();
afterEach(() => bench.server.control('set_vm_memory_high_watermark', '0.4'));

describe('counts of many queues on RabbitMQ', () => {
  it('of a thousand queues take few channels, and less than a second on an idle machine', async () => {
    const broker = bench.open(`${bench.server.url}?queueType=classic`, { sendTimeoutMs: 20_000 });
    const queues = Array.from({ length: 1_000 }, (_, index) => `q${index}`);
    await bench.meddle(async (channel) => {
      for (const queue of queues.slice(0, 990)) {
        for (const name of [queue, `${queue}.quarantine`, `${queue}.dead`]) {
          await channel.assertQueue(`${bench.namespace}.${name}`, { durable: false });
        }
        channel.sendToQueue(`${bench.namespace}.${queue}`, Buffer.from('1'));
      }
    });
    const startedAt = performance.now();
    const reports = await broker.inspector.countsOf(queues, { delayed: false });
    const ms = performance.now() - startedAt;
    process.stdout.write(`counts of 1,000 queues on RabbitMQ: ${Math.round(ms)} ms\n`);
    expect(ms).toBeLessThan(10_000);
    const channels = await bench.server.control('list_channels', 'name', '--silent');
    expect(channels.trim().split('\n').length).toBeLessThan(20);
    expect(reports.map(({ queue }) => queue)).toEqual(queues);
    for (const [index, { error, ...counts }] of reports.entries()) {
      expect(error).toBeUndefined();
      expect(counts).toEqual({ queue: `q${index}`, ready: index < 990 ? 1 : 0, dead: 0, consumers: 0 });
    }
    await bench.meddle(async (channel) => {
      for (const queue of queues) {
        for (const name of [queue, `${queue}.quarantine`, `${queue}.dead`]) {
          await channel.deleteQueue(`${bench.namespace}.${name}`);
        }
      }
    });
  }, 120_000);

  it('have the consumers and the delayed messages, and leave out figures that the server does not know', async () => {
    const broker = bench.open();
    const subscription = await broker.subscribe('q', {});
    await broker.publish([{ ...envelope(), notBefore: Date.now() + 60_000 }]);
    void subscription.receive(1, { signal: AbortSignal.timeout(5_000), wait: true });
    await expect
      .poll(() => broker.inspector.counts('q'), { timeout: 5_000 })
      .toEqual({ ready: 0, delayed: 1, dead: 0, consumers: 1 });
    const [report] = await broker.inspector.countsOf(['q'], { delayed: false });
    expect(report).toEqual({ queue: 'q', ready: 0, dead: 0, consumers: 1 });
  }, 30_000);

  it('leave out the delayed messages while an alarm stops publishing', async () => {
    const broker = bench.open();
    await broker.publish([envelope(), { ...envelope(), notBefore: Date.now() + 60_000 }]);
    await bench.server.control('set_vm_memory_high_watermark', '0');
    await expect
      .poll(() => broker.publish([envelope()]).catch(({ code }: { code?: unknown }) => code), { timeout: 15_000 })
      .toBe('BROKER_BLOCKED');
    expect(await broker.inspector.counts('q')).toEqual({ ready: 1, dead: 0, consumers: 0 });
  }, 60_000);

  it('name the queue that may not be read, and count the others', async () => {
    const broker = bench.open();
    await broker.publish([envelope()]);
    const user = bench.namespace;
    await bench.server.control('add_user', user, 'secret');
    bench.onCleanUp(() => bench.server.control('delete_user', user));
    const secret = `${bench.namespace}[.]secret`;
    await bench.meddle((channel) => channel.assertQueue(`${bench.namespace}.secret`, { durable: false }));
    await bench.server.control('set_permissions', user, '^$', `^(?!${secret}).*`, `^(?!${secret}).*`);
    const other = bench.open(bench.server.url.replace('amqp://', `amqp://${user}:secret@`));
    const reports = await other.inspector.countsOf(['secret', 'q'], { delayed: false });
    expect(reports).toMatchObject([{ queue: 'secret' }, { queue: 'q', ready: 1 }]);
    // RabbitMQ lets anybody ask whether a queue exists.
    expect(reports[0]?.error).toBeUndefined();
    await bench.meddle((channel) => channel.deleteQueue(`${bench.namespace}.secret`));
  }, 30_000);
});
