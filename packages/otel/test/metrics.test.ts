import { createBroker } from '@brokkr/broker-memory';
import { describe, expect, it } from 'vitest';
import { observeQueues } from '../src/index.ts';
import { managed, metering, working } from './otel-bench.ts';

type Points = readonly { readonly attributes: object; readonly value: unknown }[] | undefined;

/** The points of a metric with these attributes. */
function pointOf(points: Points, attributes: object): unknown {
  const found = points?.filter((point) =>
    Object.entries(attributes).every(([name, value]) => (point.attributes as Record<string, unknown>)[name] === value),
  );
  expect(found).toHaveLength(1);
  return found?.[0]?.value;
}

describe('the metrics', () => {
  it('count sends, deliveries and outcomes, and time handlers, waits and broker calls', async () => {
    const { read } = metering();
    const { tm } = managed();
    const task = tm.task({ name: 'job', maxRetries: 1, retryDelay: '1ms' }, async (fails: boolean) => {
      if (fails) throw Object.assign(new Error('busy'), { code: 'BUSY' });
    });
    const { until } = await working(tm);
    await task.send(false);
    await task.sendMany([[false], [false]]);
    await task.send(true);
    await until('succeeded', 3);
    await until('dead');
    const all = await read();
    const job = {
      'messaging.destination.name': 'default',
      'brokkr.task.name': 'job',
      'messaging.system.name': 'brokkr',
    };
    expect(pointOf(all.get('messaging.client.sent.messages'), job)).toBe(4);
    expect(pointOf(all.get('brokkr.tasks'), { ...job, 'brokkr.outcome': 'succeeded' })).toBe(3);
    expect(pointOf(all.get('brokkr.tasks'), { 'brokkr.outcome': 'retried', 'error.type': 'BUSY' })).toBe(1);
    expect(pointOf(all.get('messaging.client.consumed.messages'), { 'error.type': 'BUSY' })).toBe(2);
    expect(pointOf(all.get('messaging.process.duration'), { 'error.type': 'BUSY' })).toMatchObject({
      count: 2,
      buckets: { boundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] },
    });
    expect(pointOf(all.get('brokkr.task.wait.duration'), { 'brokkr.task.name': 'job' })).toMatchObject({ count: 5 });
    const operations = all.get('messaging.client.operation.duration') ?? [];
    expect(new Set(operations.map(({ attributes }) => attributes['messaging.operation.name']))).toEqual(
      new Set(['send', 'receive', 'settle']),
    );
  });

  it('have at most 100 values of `error.type`, and no name that only a sender knows', async () => {
    const { read } = metering();
    const { tm, broker } = managed();
    const task = tm.task({ name: 'job', maxRetries: 0 }, async (number: number) => {
      throw Object.assign(new Error('busy'), { code: `E${number}` });
    });
    const { until } = await working(tm);
    await task.sendMany(Array.from({ length: 150 }, (_, number) => [number]));
    await broker.publish([
      { id: 'x', queue: 'default', body: Buffer.from('[]'), headers: { 'brokkr-task': 'invented' } },
    ]);
    await until('dead', 150);
    const all = await read();
    const points = all.get('brokkr.tasks') ?? [];
    const types = new Set(points.map(({ attributes }) => attributes['error.type']));
    expect(types.size).toBeLessThanOrEqual(102);
    expect(types).toContain('_OTHER');
    expect(JSON.stringify([...all])).not.toContain('invented');
  });
});

describe('observeQueues', () => {
  it('exports the messages of queues by state, until it is ended', async () => {
    const { read } = metering();
    const { tm } = managed();
    const task = tm.task({ name: 'job', queueName: 'emails' }, async () => undefined);
    const stop = observeQueues(tm, ['emails']);
    await task.sendMany([[], []]);
    await task.with({ delay: '1h' }).send();
    const points = (await read()).get('brokkr.queue.messages');
    expect(pointOf(points, { 'messaging.destination.name': 'emails', 'brokkr.state': 'ready' })).toBe(2);
    expect(pointOf(points, { 'brokkr.state': 'delayed' })).toBe(1);
    stop();
    await task.send();
    const after = (await read()).get('brokkr.queue.messages') ?? [];
    expect(after.map(({ value }) => value)).not.toContain(3);
  });

  it('exports nothing, and fails nothing, while the broker is unreachable', async () => {
    const { read } = metering();
    const inner = createBroker('memory:');
    const inspector = { ...inner.inspector, countsOf: () => Promise.reject(new Error('unreachable')) };
    const { tm } = managed({}, {
      ...inner,
      publish: inner.publish.bind(inner),
      subscribe: inner.subscribe.bind(inner),
      close: inner.close.bind(inner),
      inspector,
    } as unknown as typeof inner);
    observeQueues(tm, ['emails']);
    expect((await read()).get('brokkr.queue.messages') ?? []).toEqual([]);
    expect(() => observeQueues(tm, ['no spaces'])).toThrow('no spaces');
  });
});
