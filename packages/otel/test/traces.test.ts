import { createBroker } from '@brokkr/broker-memory';
import { currentTask, PermanentError, RetryLater } from '@brokkr/core';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { managed, redriveAll, tracing, working } from './otel-bench.ts';

const RETRIES = { maxRetries: 3, retryDelay: '1ms' } as const;

describe('the span of a send', () => {
  it('is a producer span, and its context is in the headers of the message', async () => {
    const { named, tracer } = tracing();
    const { tm } = managed();
    let headers: Readonly<Record<string, string>> = {};
    const task = tm.task({ name: 'welcome', queueName: 'emails' }, async () => {
      headers = currentTask().headers;
    });
    const { until } = await working(tm, ['emails']);
    const request = tracer.startSpan('request');
    const { id } = await context.with(trace.setSpan(context.active(), request), () => task.send());
    await until('succeeded');
    const [span] = named('send emails');
    expect(span).toMatchObject({
      kind: SpanKind.PRODUCER,
      parentSpanContext: { spanId: request.spanContext().spanId },
      attributes: {
        'messaging.system.name': 'brokkr',
        'messaging.operation.name': 'send',
        'messaging.operation.type': 'send',
        'messaging.destination.name': 'emails',
        'messaging.message.id': id,
        'brokkr.task.name': 'welcome',
      },
    });
    const { traceId, spanId } = span?.spanContext() ?? {};
    expect(headers.traceparent).toBe(`00-${traceId}-${spanId}-01`);
    expect(span?.instrumentationScope).toMatchObject({
      name: '@brokkr/otel',
      schemaUrl: 'https://opentelemetry.io/schemas/1.45.0',
    });
  });

  it('leaves a traceparent of the sender as it is, and the attempt links to that', async () => {
    const { named } = tracing();
    const { tm } = managed();
    const task = tm.task({ name: 'job' }, async () => undefined);
    const { until } = await working(tm);
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await task.with({ headers: { traceparent } }).send();
    await until('succeeded');
    expect(named('process default')[0]?.links[0]?.context.spanId).toBe('b7ad6b7169203331');
  });

  it('never makes a send fail: a header that would be one too many is left out', async () => {
    const { named } = tracing();
    const { tm } = managed();
    const task = tm.task({ name: 'job' }, async () => undefined);
    const { until } = await working(tm);
    const headers = Object.fromEntries(Array.from({ length: 32 }, (_, index) => [`h${index}`, 'x']));
    await task.with({ headers }).send();
    await until('succeeded');
    expect(named('process default')[0]?.links).toEqual([]);
  });

  it('records why a send failed', async () => {
    const { named } = tracing();
    const { tm } = managed();
    const task = tm.task({ name: 'job' }, async () => undefined);
    tm.use({
      name: 'refusal',
      send: () => Promise.reject(Object.assign(new Error('no tenant'), { code: 'NO_TENANT' })),
    });
    await expect(task.send()).rejects.toThrow('no tenant');
    expect(named('send default')[0]).toMatchObject({
      status: { code: SpanStatusCode.ERROR, message: 'no tenant' },
      attributes: { 'error.type': 'NO_TENANT' },
      events: [{ name: 'exception', attributes: { 'exception.message': 'no tenant' } }],
    });
  });
});

describe('the spans of sendMany', () => {
  it('are one span for each of up to 100 messages, and one that links to them', async () => {
    const { named } = tracing();
    const { tm } = managed();
    const task = tm.task({ name: 'job' }, async (_: number) => undefined);
    const { until } = await working(tm);
    await task.sendMany([[1], [2], [3]]);
    await until('succeeded', 3);
    const created = named('create default');
    const [sent, ...others] = named('send default');
    expect(others).toEqual([]);
    expect(sent).toMatchObject({ kind: SpanKind.CLIENT, attributes: { 'messaging.batch.message_count': 3 } });
    const ids = created.map((span) => span.spanContext().spanId);
    expect(ids).toHaveLength(3);
    expect(sent?.links.map((link) => link.context.spanId)).toEqual(ids);
    const origins = named('process default').map(({ links }) => links[0]?.context.spanId);
    expect(new Set(origins)).toEqual(new Set(ids));
  });

  it('are one span for a larger call, to which the attempts of all its messages link', async () => {
    const { named } = tracing();
    const { tm } = managed();
    const task = tm.task({ name: 'job' }, async (_: number) => undefined);
    const { until } = await working(tm);
    await task.sendMany(Array.from({ length: 500 }, (_, index) => [index]));
    await until('succeeded', 500);
    expect(named('create default')).toEqual([]);
    const sent = named('send default');
    expect(sent.map(({ kind, attributes }) => [kind, attributes['messaging.batch.message_count']])).toEqual([
      [SpanKind.PRODUCER, 500],
    ]);
    const origins = new Set(named('process default').map(({ links }) => links[0]?.context.spanId));
    expect(origins).toEqual(new Set([sent[0]?.spanContext().spanId]));
  });
});

describe('the span of an attempt', () => {
  it('begins a trace that links to the send, and has the handler in it: its own spans, its sends, its log lines', async () => {
    const { named, tracer } = tracing();
    const { tm } = managed();
    const next = tm.task({ name: 'next', queueName: 'other' }, async () => undefined);
    let bindings: unknown;
    const task = tm.task({ name: 'job', maxRetries: 7 }, async () => {
      tracer.startSpan('inside').end();
      bindings = currentTask().logger.bindings();
      await next.send();
    });
    const { until } = await working(tm);
    await task.send();
    await until('succeeded');
    const [sent] = named('send default');
    const [attempt] = named('process default');
    expect(attempt).toMatchObject({
      kind: SpanKind.CONSUMER,
      parentSpanContext: undefined,
      links: [{ context: { traceId: sent?.spanContext().traceId, spanId: sent?.spanContext().spanId } }],
      attributes: { 'messaging.operation.type': 'process', 'brokkr.attempt': 1, 'brokkr.max_retries': 7 },
      status: { code: SpanStatusCode.UNSET },
    });
    const { traceId, spanId } = attempt?.spanContext() ?? {};
    expect(traceId).not.toBe(sent?.spanContext().traceId);
    for (const name of ['inside', 'send other']) expect(named(name)[0]?.parentSpanContext?.spanId).toBe(spanId);
    expect(bindings).toMatchObject({ trace_id: traceId, span_id: spanId, task: { name: 'job' } });
  });

  it('belongs to the trace of the send with propagation `parent`', async () => {
    const { named } = tracing();
    const { tm } = managed({ propagation: 'parent', spanNames: 'task' });
    const task = tm.task({ name: 'job' }, async () => undefined);
    const { until } = await working(tm);
    await task.send();
    await until('succeeded');
    const sent = named('send job')[0]?.spanContext();
    expect(named('process job')[0]).toMatchObject({ parentSpanContext: { spanId: sent?.spanId } });
    expect(named('process job')[0]?.spanContext().traceId).toBe(sent?.traceId);
  });

  it('links to the first send at every retry, after a redrive, and after a move to another broker', async () => {
    const { named } = tracing();
    const { tm, broker } = managed();
    const failing = tm.task({ name: 'job', ...RETRIES, maxRetries: 1 }, async () => {
      throw Object.assign(new Error('busy'), { code: 'BUSY' });
    });
    const { until, worker } = await working(tm);
    await failing.send();
    await until('dead');
    await redriveAll(broker);
    await until('dead', 2);
    await worker.stop();
    const [letter] = (await broker.inspector?.page('default', 'dead', { limit: 1 }))?.items ?? [];
    const target = managed();
    await target.broker.publish(letter === undefined ? [] : [{ ...letter.envelope, queue: 'default' }]);
    target.tm.task({ name: 'job' }, async () => undefined);
    await (await working(target.tm)).until('succeeded');
    const attempts = named('process default');
    expect(attempts.map(({ attributes }) => attributes['brokkr.attempt'])).toHaveLength(5);
    const sent = named('send default')[0]?.spanContext().spanId;
    expect(new Set(attempts.map(({ links }) => links[0]?.context.spanId))).toEqual(new Set([sent]));
    expect(attempts[0]).toMatchObject({
      status: { code: SpanStatusCode.ERROR, message: 'busy' },
      attributes: { 'error.type': 'BUSY', 'brokkr.attempt': 1 },
    });
    expect(attempts[1]?.attributes['brokkr.attempt']).toBe(2);
  });

  it('has an event, and no error, for a handler that asks to run later', async () => {
    const { named } = tracing();
    const { tm } = managed();
    const task = tm.task({ name: 'job' }, async () => {
      if (named('process default').length === 0) throw new RetryLater('1ms', 'rate limit');
    });
    const { until } = await working(tm);
    await task.send();
    await until('succeeded');
    expect(named('process default')[0]).toMatchObject({
      status: { code: SpanStatusCode.UNSET },
      events: [{ name: 'retry later', attributes: { message: 'rate limit' } }],
    });
  });

  it('has an event, and no error, for a task that was cancelled', async () => {
    const { named } = tracing();
    const { tm } = managed();
    const task = tm.task(
      { name: 'job' },
      () =>
        new Promise<void>((_, reject) =>
          currentTask().signal.addEventListener('abort', () => reject(new Error('aborted'))),
        ),
    );
    const { until } = await working(tm);
    const handle = await task.send();
    await expect.poll(async () => (await handle.status()).state).toBe('running');
    await handle.cancel({ running: true });
    await until('cancelled');
    expect(named('process default')[0]).toMatchObject({
      status: { code: SpanStatusCode.UNSET },
      events: [{ name: 'task cancelled', attributes: { 'error.type': 'TASK_CANCELLED' } }],
    });
  });

  it('names the time limit as the error of a handler that was aborted by it', async () => {
    const { named } = tracing();
    const { tm } = managed();
    const task = tm.task(
      { name: 'job', timeout: '50ms', maxRetries: 0 },
      () =>
        new Promise<void>((_, reject) =>
          currentTask().signal.addEventListener('abort', () => reject(new Error('aborted'))),
        ),
    );
    const { until } = await working(tm);
    await task.send();
    await until('dead');
    expect(named('process default')[0]?.attributes['error.type']).toBe('TASK_TIMEOUT');
  });

  it('is never that of another run at the same time', async () => {
    const { named, tracer } = tracing();
    const { tm } = managed();
    const task = tm.task({ name: 'job' }, async (number: number) => {
      await new Promise((resolve) => setTimeout(resolve, (number * 7) % 20));
      tracer.startSpan(`inside ${number}`).end();
    });
    const { until } = await working(tm);
    const handles = await Promise.all(Array.from({ length: 20 }, (_, number) => task.send(number)));
    await until('succeeded', 20);
    const attempts = new Map(named('process default').map((span) => [span.attributes['messaging.message.id'], span]));
    for (const [number, { id }] of handles.entries())
      expect(named(`inside ${number}`)[0]?.parentSpanContext?.spanId).toBe(attempts.get(id)?.spanContext().spanId);
  });
});

describe('what other programs write', () => {
  it('is bounded: ids, errors, arguments; an invalid traceparent links to nothing', async () => {
    const { named } = tracing();
    const { tm, broker } = managed({ arguments: true });
    tm.task({ name: 'job', maxRetries: 0 }, async (_: string) => {
      throw Object.assign(new PermanentError('x'.repeat(100_000)), { code: `\u0000\u202e${'c'.repeat(5_000)}` });
    });
    const { until } = await working(tm);
    const id = 'i'.repeat(3_000);
    const headers = { 'brokkr-task': 'job', traceparent: '00-<script>-1-01', tracestate: 'x'.repeat(1_000) };
    await broker.publish([{ id, queue: 'default', body: Buffer.from(JSON.stringify(['a'.repeat(9_000)])), headers }]);
    await until('dead');
    const [span] = named('process default');
    expect(span?.links).toEqual([]);
    expect(span?.attributes['messaging.message.id']).toHaveLength(200);
    expect(span?.attributes['brokkr.task.arguments']).toHaveLength(4_096);
    expect(span?.attributes['error.type']).toMatch(/^\?\?c{98}$/);
    expect(span?.status.message?.length).toBeLessThan(3_000);
    expect(String(span?.events[0]?.attributes?.['exception.stacktrace']).length).toBeLessThan(9_000);
  });

  it('reaches no handler as baggage, unless baggage is asked for', async () => {
    const { tracer } = tracing();
    const seen: unknown[] = [];
    for (const baggage of [false, true]) {
      const { tm } = managed({ baggage });
      const task = tm.task({ name: 'job' }, async () => {
        seen.push(propagation.getActiveBaggage()?.getEntry('tenant')?.value, currentTask().headers.baggage);
      });
      const { until } = await working(tm);
      const active = propagation.setBaggage(
        trace.setSpan(context.active(), tracer.startSpan('request')),
        propagation.createBaggage({ tenant: { value: 'acme' } }),
      );
      await context.with(active, () => task.send());
      await until('succeeded');
    }
    expect(seen).toEqual([undefined, undefined, 'acme', 'tenant=acme']);
  });
});

describe('without a tracer provider', () => {
  it('messages get no header, and middleware is not called', async () => {
    const { tm } = managed();
    let headers: unknown;
    const task = tm.task({ name: 'job' }, async () => {
      headers = currentTask().headers;
    });
    const { until } = await working(tm);
    await task.send();
    await until('succeeded');
    expect(headers).toEqual({});
  });

  it('spans begin once a provider is registered', async () => {
    const { tm } = managed();
    const task = tm.task({ name: 'job' }, async () => undefined);
    const { until } = await working(tm);
    await task.send();
    await until('succeeded');
    const { named } = tracing();
    await task.send();
    await until('succeeded', 2);
    expect(named('process default')).toHaveLength(1);
    expect(named('send default')).toHaveLength(1);
  });
});

describe('the options', () => {
  it.each([
    [{ propagation: 'links' }, 'otel: propagation must be link or parent; got "links"'],
    [{ spanNames: 1 }, 'otel: spanNames must be queue or task; got 1'],
    [{ arguments: 'yes' }, 'otel: arguments must be true or false; got "yes"'],
    [{ tracerProvider: {} }, 'otel: tracerProvider must be an object with getTracer(); got an object'],
    [{ propagatoin: 'link' }, 'otel: unknown option `propagatoin`; did you mean `propagation`?'],
  ])('%j are refused', (options, message) => {
    expect(() => managed(options as object)).toThrow(message);
  });
});

describe('a settlement that fails', () => {
  it('has a span of its own', async () => {
    const { named } = tracing();
    const inner = createBroker('memory:');
    let failures = 1;
    const broker = {
      ...inner,
      publish: inner.publish.bind(inner),
      close: inner.close.bind(inner),
      subscribe: async (...args: Parameters<typeof inner.subscribe>) => {
        const subscription = await inner.subscribe(...args);
        return {
          receive: subscription.receive.bind(subscription),
          extend: subscription.extend.bind(subscription),
          close: subscription.close.bind(subscription),
          settle: (...given: Parameters<typeof subscription.settle>) =>
            failures-- > 0 ? Promise.reject(new Error('connection lost')) : subscription.settle(...given),
        };
      },
    };
    const { tm } = managed({}, broker);
    const task = tm.task({ name: 'job' }, async () => undefined);
    const { until } = await working(tm);
    await task.send();
    await until('succeeded');
    expect(named('settle default')).toMatchObject([
      { kind: SpanKind.CLIENT, status: { code: SpanStatusCode.ERROR, message: 'connection lost' } },
    ]);
  });
});
