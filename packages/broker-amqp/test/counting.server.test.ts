import { describe, expect, it } from 'vitest';
import { RabbitBench, envelope } from './rabbit-bench.ts';

const bench = new RabbitBench();

describe('counts of many queues on RabbitMQ', () => {
  it('of a thousand queues take few channels, and less than a second on an idle machine', async () => {
    const broker = bench.open(`${bench.server.url}?queueType=classic`, { sendTimeoutMs: 20_000 });
    const names = Array.from({ length: 100 }, (_, index) => `q${index}`);
    // A passive declaration costs the same for every queue, and a thousand queues take long to declare.
    const queues = Array.from({ length: 10 }, () => names).flat();
    await bench.meddle(async (channel) => {
      for (const queue of names.slice(0, 99)) {
        for (const name of [queue, `${queue}.quarantine`, `${queue}.dead`]) {
          await channel.assertQueue(`${bench.namespace}.${name}`);
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
    for (const { error, ...counts } of reports) {
      expect(error).toBeUndefined();
      expect(counts).toEqual({ queue: counts.queue, ready: counts.queue === 'q99' ? 0 : 1, dead: 0, consumers: 0 });
    }
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
  }, 90_000);

  it('leave out the delayed messages while an alarm stops publishing', async () => {
    const broker = bench.open();
    await broker.publish([envelope(), { ...envelope(), notBefore: Date.now() + 60_000 }]);
    bench.onCleanUp(() => bench.server.control('set_vm_memory_high_watermark', '0.4'));
    await bench.server.control('set_vm_memory_high_watermark', '0');
    await expect
      .poll(() => broker.publish([envelope()]).catch(({ code }: { code?: unknown }) => code), { timeout: 15_000 })
      .toBe('BROKER_BLOCKED');
    expect(await broker.inspector.counts('q')).toEqual({ ready: 1, dead: 0, consumers: 0 });
  }, 90_000);

  it('fail within a bounded time when the server stops answering', async () => {
    const broker = bench.open(bench.server.url, { sendTimeoutMs: 500 });
    const queues = Array.from({ length: 200 }, (_, index) => `q${index}`);
    expect(await broker.inspector.countsOf(queues.slice(0, 1))).toMatchObject([{ ready: 0 }]);
    const startedAt = performance.now();
    bench.server.pause();
    const reports = await broker.inspector.countsOf(queues).finally(() => bench.server.resume());
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(reports).toHaveLength(200);
    // Those that were asked got no answer, and the others were not asked in time.
    const codes = new Set(reports.map(({ error }) => (error as { code?: string } | undefined)?.code));
    expect([...codes].sort()).toEqual(['BROKER_SLOW', 'BROKER_UNAVAILABLE']);
  }, 90_000);
});
