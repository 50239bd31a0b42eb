import { queueFamilies, writeMetrics } from '@brokkr/core/metrics';
import { describe, expect, it } from 'vitest';
import { parseMetrics } from '../../support/parse-metrics.ts';
import { promtool } from '../../support/promtool.ts';
import { aSecondOfWork, workerBench } from '../worker/worker-bench.ts';

describe('the metrics of queues', () => {
  it('are counts by state, the age of the first ready message, and the pause', async () => {
    const { tm, clock, broker } = await workerBench();
    const work = tm.task({ name: 'work', queueName: 'emails', maxRetries: 0 }, async () => {
      throw new Error('no');
    });
    await work.send();
    const worker = tm.createWorker({ queues: ['emails'] });
    await worker.start();
    await aSecondOfWork(clock);
    void worker.stop();
    await clock.advance(10_000);
    await worker.stop();
    await work.send();
    await clock.advance(20_000);
    await work.send();
    await work.with({ delay: '1h' }).send();
    await tm.queue('emails').pause();
    const text = writeMetrics(await queueFamilies(broker, ['emails', 'idle'], clock.now()));
    const metrics = parseMetrics(text);
    const messages = (state: string) => metrics.value('brokkr_queue_messages', { queue: 'emails', state });
    expect(['ready', 'delayed', 'running', 'dead'].map(messages)).toEqual([2, 1, 0, 1]);
    expect(metrics.value('brokkr_queue_oldest_seconds', { queue: 'emails' })).toBe(20);
    expect(metrics.value('brokkr_queue_oldest_seconds', { queue: 'idle' })).toBe(0);
    expect(metrics.value('brokkr_queue_paused', { queue: 'emails' })).toBe(1);
    expect(metrics.value('brokkr_queue_paused', { queue: 'idle' })).toBe(0);
    expect(metrics.value('brokkr_queue_published_total', { queue: 'emails' })).toBe(4);
    expect(metrics.value('brokkr_queue_acknowledged_total', { queue: 'emails' })).toBe(0);
    expect(promtool(['check', 'metrics'], text)).toEqual({ code: 0, output: '' });
    await tm.close();
  });

  it('count the living workers of a queue if the server counts no consumers: an alert needs the 0', async () => {
    const { tm, broker, clock } = await workerBench();
    tm.task({ name: 'work', queueName: 'emails' }, async () => undefined);
    const workers = ['emails', 'emails,pdf'].map((queues) => tm.createWorker({ queues: queues.split(',') }));
    for (const worker of workers) await worker.start();
    await clock.advance(100);
    const read = async () =>
      parseMetrics(writeMetrics(await queueFamilies(broker, ['emails', 'pdf', 'idle'], clock.now())));
    const metrics = await read();
    const counts = ['emails', 'pdf', 'idle'].map((queue) => metrics.value('brokkr_queue_workers', { queue }));
    expect(counts).toEqual([2, 1, 0]);
    await tm.close();
  });

  it('have the age of a message that is overdue and that no consumer has moved to the line, if it is the oldest', async () => {
    const { tm, broker, clock } = await workerBench();
    const work = tm.task({ name: 'work', queueName: 'emails' }, async () => undefined);
    await work.send();
    await clock.advance(20_000);
    const { inspector } = broker;
    const oldest = async (overdueMs: number) => {
      const countsOf = async () => [{ queue: 'emails', ready: 2, overdueMs }];
      const partial = { ...broker, inspector: { browsing: 'free', page: inspector.page.bind(inspector), countsOf } };
      const families = await queueFamilies(partial as unknown as typeof broker, ['emails'], clock.now());
      return parseMetrics(writeMetrics(families)).value('brokkr_queue_oldest_seconds', { queue: 'emails' });
    };
    expect([await oldest(3_600_000), await oldest(5)]).toEqual([3_600, 20]);
    await tm.close();
  });

  it('have no series for figures that the server does not know', async () => {
    const { tm, broker, clock } = await workerBench();
    const { inspector } = broker;
    const partial = {
      capabilities: broker.capabilities,
      publish: broker.publish.bind(broker),
      subscribe: broker.subscribe.bind(broker),
      close: broker.close.bind(broker),
      inspector: {
        ...inspector,
        browsing: 'front' as const,
        countsOf: async () => [
          { queue: 'q', ready: 3, consumers: 2 },
          { queue: 'broken', error: new Error('WRONGTYPE') },
        ],
      },
    };
    const metrics = parseMetrics(writeMetrics(await queueFamilies(partial, ['q', 'broken'], clock.now())));
    expect(metrics.samples.map(({ name, labels, value }) => [name, ...Object.values(labels), value])).toEqual([
      ['brokkr_queue_messages', 'q', 'ready', 3],
      ['brokkr_queue_workers', 'q', 2],
      ['brokkr_queue_unreadable', 'q', 0],
      ['brokkr_queue_unreadable', 'broken', 1],
    ]);
    await tm.close();
  });

  it('read the oldest message of 120 queues without more than 50 questions at the same time', async () => {
    const { tm, broker, clock } = await workerBench();
    const work = tm.task({ name: 'work' }, async () => undefined);
    const queues = Array.from({ length: 120 }, (_, n) => `q${n}`);
    for (const queueName of queues) await work.with({ queueName }).send();
    let pending = 0;
    let most = 0;
    const page = broker.inspector.page.bind(broker.inspector);
    Object.assign(broker.inspector, {
      page: async (...args: Parameters<typeof page>) => {
        most = Math.max(most, ++pending);
        await Promise.resolve();
        pending--;
        return page(...args);
      },
    });
    const metrics = parseMetrics(writeMetrics(await queueFamilies(broker, queues, clock.now() + 7_000)));
    expect(metrics.value('brokkr_queue_oldest_seconds')).toBe(120 * 7);
    expect(most).toBe(50);
    await tm.close();
  });
});
