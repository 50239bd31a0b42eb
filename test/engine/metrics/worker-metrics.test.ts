import { PermanentError, RetryLater } from '@brokkr/core';
import type { RanEvent, SentEvent } from '../../../packages/core/src/middleware/telemetry.ts';
import { ManualClock } from '@brokkr/core/testing';
import { describe, expect, it } from 'vitest';
import { parseMetrics } from '../../support/parse-metrics.ts';
import { promtool } from '../../support/promtool.ts';
import { aSecondOfWork, workerBench } from '../worker/worker-bench.ts';

describe('the metrics of a worker', () => {
  it('count deliveries by outcome, and the durations of their runs and waits', async () => {
    const { tm, clock } = await workerBench();
    const work = tm.task({ name: 'work', maxRetries: 1, retryDelay: '2s' }, async (how: string) => {
      if (how === 'slow') await new Promise<void>((resolve) => void clock.setTimeout(resolve, 400));
      if (how === 'later') throw new RetryLater('1h');
      if (how === 'dead') throw new PermanentError('no');
      if (how === 'fails') throw Object.assign(new TypeError('no'), { code: 'E_NO' });
    });
    await work.with({ expiresIn: '1s' }).send('late');
    await clock.advance(3_000);
    const worker = tm.createWorker({ concurrency: 10 });
    await worker.start();
    for (const how of ['fine', 'slow', 'later', 'dead', 'fails']) await work.send(how);
    await clock.advance(10_000);
    const metrics = parseMetrics(worker.metrics());
    const outcome = (name: string) =>
      metrics.value('brokkr_tasks_total', { queue: 'default', task: 'work', outcome: name });
    expect(['succeeded', 'retried', 'dead', 'expired', 'lease_lost'].map(outcome)).toEqual([2, 2, 2, 1, undefined]);
    // The expired one did not run.
    expect(metrics.value('brokkr_task_run_seconds_count')).toBe(6);
    expect(metrics.value('brokkr_task_wait_seconds_count')).toBe(6);
    expect(metrics.value('brokkr_task_run_seconds_sum')).toBeCloseTo(0.4);
    expect(metrics.value('brokkr_task_run_seconds_bucket', { le: '0.25' })).toBe(5);
    expect(metrics.value('brokkr_task_run_seconds_bucket', { le: '0.5' })).toBe(6);
    expect(metrics.value('brokkr_task_retries_total', { error: 'E_NO' })).toBe(1);
    expect(metrics.value('brokkr_task_retries_total', { error: 'RETRY_LATER' })).toBe(1);
    expect(metrics.value('brokkr_tasks_running')).toBe(0);
    expect(metrics.value('brokkr_worker_slots')).toBe(10);
    expect(metrics.value('brokkr_worker_info')).toBe(1);
    await tm.close();
  });

  it('measure the wait since a message was due, not since it was sent', async () => {
    const { tm, clock } = await workerBench();
    let failures = 1;
    const work = tm.task({ name: 'work', retryDelay: '60s' }, async () => {
      if (failures-- > 0) throw new Error('no');
    });
    await work.with({ delay: '1h' }).send();
    await clock.advance(3_600_000 + 20_000);
    const worker = tm.createWorker();
    await worker.start();
    await aSecondOfWork(clock);
    expect(parseMetrics(worker.metrics()).value('brokkr_task_wait_seconds_sum')).toBeCloseTo(20, 0);
    await clock.advance(60_000);
    const metrics = parseMetrics(worker.metrics());
    expect(metrics.value('brokkr_task_wait_seconds_count')).toBe(2);
    expect(metrics.value('brokkr_task_wait_seconds_sum')).toBeCloseTo(20, 0);
    await tm.close();
  });

  it('measure the wait of a redriven message since its redrive', async () => {
    const { tm, clock, broker } = await workerBench();
    let isBroken = true;
    const work = tm.task({ name: 'work', maxRetries: 0 }, async () => {
      if (isBroken) throw new Error('no');
    });
    const worker = tm.createWorker();
    await worker.start();
    await work.send();
    await aSecondOfWork(clock);
    await clock.advance(600_000);
    isBroken = false;
    await broker.inspector.redrive('default', 'all');
    await aSecondOfWork(clock);
    expect(parseMetrics(worker.metrics()).value('brokkr_task_wait_seconds_sum')).toBeLessThan(1);
    await tm.close();
  });

  it('never have a name off the wire as a label, and stay bounded under 10,000 unknown tasks', async () => {
    const { tm, clock, broker } = await workerBench();
    const worker = tm.createWorker({ concurrency: 1_000 });
    await worker.start();
    const messages = Array.from({ length: 10_000 }, (_, n) => ({
      id: `m${n}`,
      queue: 'default',
      body: Buffer.from('[]'),
      headers: { 'brokkr-task': n % 2 === 0 ? `invented-${n}` : '__proto__"\n', 'brokkr-at': '1' },
    }));
    for (let from = 0; from < messages.length; from += 500) await broker.publish(messages.slice(from, from + 500));
    const dead = async () => (await broker.inspector.counts('default')).dead ?? 0;
    for (let step = 0; step < 5_000 && (await dead()) < 10_000; step++) await clock.advance(1_000);
    await aSecondOfWork(clock);
    const text = worker.metrics();
    const metrics = parseMetrics(text);
    // The invented ones wait for a worker that defines them; the others are not task names.
    expect(metrics.value('brokkr_tasks_total', { task: '_other', outcome: 'dead' })).toBe(10_000);
    expect(text).not.toMatch(/invented|__proto__/);
    expect(metrics.samples.length).toBeLessThan(60);
    await tm.close();
  }, 60_000);

  it('count 20 error codes of a task one by one, further ones as _other, and none with unprintable characters', async () => {
    const { tm, clock } = await workerBench();
    const work = tm.task({ name: 'work', retryDelay: '1h' }, async (n: number) => {
      throw Object.assign(new Error('no'), { code: n === 0 ? 'a\u0000"\n\ud800ü' : `E${n}` });
    });
    const worker = tm.createWorker({ concurrency: 50 });
    await worker.start();
    for (let n = 0; n < 40; n++) await work.send(n);
    await aSecondOfWork(clock);
    const text = worker.metrics();
    const errors = parseMetrics(text).samples.filter(({ name }) => name === 'brokkr_task_retries_total');
    expect(errors).toHaveLength(21);
    expect(errors.find(({ labels }) => labels.error === '_other')?.value).toBe(20);
    expect(errors.map(({ labels }) => labels.error)).toContain('a?"???');
    expect(promtool(['check', 'metrics'], text)).toEqual({ code: 0, output: '' });
    await tm.close();
  });

  it('carry the trace of a run as an exemplar, if its headers name one', async () => {
    const { tm, clock } = await workerBench();
    const work = tm.task({ name: 'work' }, async () => undefined);
    const worker = tm.createWorker();
    await worker.start();
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    await work.with({ headers: { traceparent: `00-${trace}-00f067aa0ba902b7-01` } }).send();
    await aSecondOfWork(clock);
    const exemplars = () =>
      parseMetrics(worker.metrics('openmetrics'), 'openmetrics').samples.flatMap(({ exemplar }) =>
        exemplar === undefined ? [] : [exemplar.labels.trace_id],
      );
    expect(exemplars()).toEqual([trace, trace]);
    await work.with({ headers: { traceId: 'own-7' } }).send();
    await aSecondOfWork(clock);
    expect(exemplars()).toEqual(['own-7', 'own-7']);
    await work.with({ headers: { traceId: 'x'.repeat(65), traceparent: '00-zz' } }).send();
    await aSecondOfWork(clock);
    expect(exemplars()).toEqual(['own-7', 'own-7']);
    await tm.close();
  });
});

describe('the metrics of a manager', () => {
  it('add its workers, and keep the counts of those that ended', async () => {
    const { tm, clock } = await workerBench();
    const work = tm.task({ name: 'work' }, async () => undefined);
    const total = () => parseMetrics(tm.metrics()).value('brokkr_tasks_total', { outcome: 'succeeded' });
    const slots = () => parseMetrics(tm.metrics()).value('brokkr_worker_slots');
    expect(tm.metrics()).toBe('');
    const first = tm.createWorker({ concurrency: 2 });
    const second = tm.createWorker({ concurrency: 3 });
    await Promise.all([first.start(), second.start()]);
    await work.sendMany(Array.from({ length: 50 }, () => []));
    await aSecondOfWork(clock);
    expect([total(), slots()]).toEqual([50, 5]);
    void first.stop();
    await clock.advance(10_000);
    await first.stop();
    expect([total(), slots()]).toEqual([50, 3]);
    await work.send();
    await aSecondOfWork(clock);
    expect(total()).toBe(51);
    await tm.close();
  });

  it('count sends by result', async () => {
    const { tm, clock } = await workerBench((broker) => {
      const publish = broker.publish.bind(broker);
      broker.publish = async (envelopes) => {
        if (envelopes[0]?.headers.fail === 'yes') throw new Error('the server is on fire');
        return publish(envelopes);
      };
      return broker;
    });
    const work = tm.task({ name: 'work', queueName: 'q' }, async () => undefined);
    await work.sendMany([[], [], []]);
    await work.with({ idempotencyKey: 'k' }).send();
    await work.with({ idempotencyKey: 'k' }).send();
    await work
      .with({ headers: { fail: 'yes' } })
      .send()
      .catch(() => undefined);
    await clock.advance(1);
    const metrics = parseMetrics(tm.metrics());
    const sends = (result: string) => metrics.value('brokkr_sends_total', { queue: 'q', task: 'work', result });
    expect(['stored', 'duplicate', 'unknown', 'not_stored'].map(sends)).toEqual([4, 1, 1, undefined]);
    expect(metrics.value('brokkr_send_seconds_count', { queue: 'q', task: 'work' })).toBe(6);
    await tm.close();
  });

  it('bound the queues that a sender invents', async () => {
    const { tm } = await workerBench();
    const work = tm.task({ name: 'work' }, async () => undefined);
    for (let n = 0; n < 500; n++) await work.with({ queueName: `tenant-${n}` }).send();
    const metrics = parseMetrics(tm.metrics());
    expect(metrics.samples.filter(({ name }) => name === 'brokkr_sends_total')).toHaveLength(201);
    expect(metrics.value('brokkr_sends_total', { queue: '_other', task: '_other' })).toBe(300);
    expect(metrics.value('brokkr_sends_total')).toBe(500);
    await tm.close();
  });

  it('are accepted by promtool', async () => {
    const { tm, clock } = await workerBench();
    const work = tm.task({ name: 'work' }, async () => undefined);
    const worker = tm.createWorker();
    await worker.start();
    tm.metrics();
    await work.send();
    await aSecondOfWork(clock);
    expect(promtool(['check', 'metrics'], tm.metrics())).toEqual({ code: 0, output: '' });
    expect(parseMetrics(tm.metrics()).value('brokkr_broker_call_seconds_count', { operation: 'settle' })).toBe(1);
    await tm.close();
  });
});

describe('telemetry sinks', () => {
  it('are called for sends, deliveries and broker calls', async () => {
    const calls: [string, object][] = [];
    const sink = {
      sent: (event: SentEvent) => calls.push(['sent', event]),
      ran: (event: RanEvent) => calls.push(['ran', event]),
      brokerCall: ({ operation, messages }: { operation: string; messages: number }) =>
        calls.push(['call', { operation, messages }]),
    };
    const { tm, clock } = await sinkBench([sink]);
    const work = tm.task({ name: 'work', maxRetries: 0 }, async (fails: boolean) => {
      if (fails) throw new Error('no');
    });
    const worker = tm.createWorker();
    await worker.start();
    await work.sendMany([[false], [true]]);
    await aSecondOfWork(clock);
    // The worker may receive a message before its sender has the answer.
    expect(calls.sort(([one], [other]) => other.localeCompare(one))).toMatchObject([
      ['sent', { queue: 'default', task: 'work', messages: 2 }],
      ['ran', { queue: 'default', task: 'work', attempt: 1, outcome: 'succeeded', waitedMs: expect.any(Number) }],
      ['ran', { outcome: 'dead', error: { message: 'no' } }],
      ['call', { operation: 'receive', messages: 2 }],
      ['call', { operation: 'settle', messages: 2 }],
    ]);
    await tm.close();
  });

  it('that throw or reject are logged once and left out; the others go on', async () => {
    const ran: string[] = [];
    const sinks = [
      {
        name: 'broken',
        ran() {
          ran.push('broken');
          throw new Error('no');
        },
      },
      {
        name: 'rejecting',
        async ran() {
          ran.push('rejecting');
          throw new Error('no');
        },
      },
      { ran: () => ran.push('sound') },
    ];
    const { tm, clock, lines } = await sinkBench(sinks);
    const work = tm.task({ name: 'work' }, async () => undefined);
    const worker = tm.createWorker({ concurrency: 1 });
    await worker.start();
    await work.send();
    await aSecondOfWork(clock);
    await work.send();
    await aSecondOfWork(clock);
    expect(ran).toEqual(['broken', 'rejecting', 'sound', 'sound']);
    expect(lines.filter(({ msg }) => msg === 'a telemetry sink failed; it is not called again')).toMatchObject([
      { telemetry: 'broken' },
      { telemetry: 'rejecting' },
    ]);
    await tm.close();
  });

  it('may be middleware in the same object, around the middleware of the manager', async () => {
    const order: string[] = [];
    class Both {
      readonly name = 'both';
      readonly #order = order;
      ran() {
        this.#order.push('ran');
      }
      async handle(_: object, next: () => Promise<unknown>) {
        this.#order.push('both');
        return next();
      }
      async send<T>(_: object, next: () => Promise<T>) {
        this.#order.push('send');
        return next();
      }
    }
    const inner = (next: () => Promise<unknown>) => {
      order.push('inner');
      return next();
    };
    const { tm, clock } = await sinkBench([new Both()]);
    tm.use({ name: 'inner', handle: (_, next) => inner(next) });
    const work = tm.task({ name: 'work' }, async () => void order.push('handler'));
    await work.send();
    const worker = tm.createWorker();
    await worker.start();
    await aSecondOfWork(clock);
    expect(order).toEqual(['send', 'both', 'inner', 'handler', 'ran']);
    await tm.close();
  });

  it.each([
    ['no list', { ran: () => undefined }, /telemetry: a list such as \[otel\(\)\]/],
    ['an object without functions', [{ name: 'x' }], /telemetry\[0\]: an object with one of the functions/],
    ['a method that is not a function', [{ ran: 'x' }], /telemetry\[0\]/],
    ['null', [null], /telemetry\[0\]/],
  ])('are refused if they are %s', async (_, telemetry, message) => {
    await expect(sinkBench(telemetry as never)).rejects.toThrow(message);
  });
});

async function sinkBench(telemetry: readonly object[]) {
  const { TaskManager } = await import('@brokkr/core');
  const { MemoryBroker } = await import('@brokkr/broker-memory');
  const { default: pino } = await import('pino');
  const clock = new ManualClock();
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line)) });
  const tm = TaskManager.getInstance(`sinks-${Math.random()}`);
  await tm.initialize({ broker: new MemoryBroker({ clock }), clock, logger, telemetry: telemetry as never });
  return { tm, clock, lines };
}
