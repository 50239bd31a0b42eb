import { randomUUID } from 'node:crypto';
import { createBroker } from '@brokkr/broker-memory';
import { type Broker, TaskManager, type WorkerEvents } from '@brokkr/core';
import { context, metrics, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { expect, onTestFinished } from 'vitest';
import { type OtelOptions, otel } from '../src/index.ts';

/** Registers a tracer provider that keeps spans in memory, a context manager and propagators, until the test ends. */
export function tracing() {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(
    new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
  );
  onTestFinished(() => {
    for (const api of [trace, context, propagation]) api.disable();
  });
  return {
    tracer: provider.getTracer('test'),
    spans: (): readonly ReadableSpan[] => exporter.getFinishedSpans(),
    named: (name: string) => exporter.getFinishedSpans().filter((span) => span.name === name),
  };
}

/** Registers a meter provider until the test ends. `read` returns the value of each series by metric. */
export function metering() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2_147_483_647 });
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  onTestFinished(async () => {
    metrics.disable();
    await reader.shutdown();
  });
  return {
    read: async () => {
      exporter.reset();
      await reader.forceFlush();
      const all = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
      return new Map(all.map(({ descriptor: { name }, dataPoints }) => [name, dataPoints]));
    },
  };
}

/** A manager with `otel`. */
export function managed(options: OtelOptions = {}, broker: Broker = createBroker(`memory:otel-${randomUUID()}`)) {
  const tm = TaskManager.getInstance(`otel-${randomUUID()}`).configure({
    broker,
    telemetry: [otel(options)],
    logLevel: 'silent',
  });
  onTestFinished(() => tm.close());
  return { tm, broker };
}

/** Starts a worker of all queues, and counts its events. */
export async function working(tm: TaskManager, queues: readonly string[] = ['default']) {
  const worker = tm.createWorker({ queues, concurrency: 10 });
  const events: string[] = [];
  for (const event of [
    'succeeded',
    'retrying',
    'dead',
    'cancelled',
    'expired',
  ] as const satisfies (keyof WorkerEvents)[])
    worker.on(event, () => events.push(event));
  await worker.start();
  return {
    worker,
    until: (event: string, times = 1) =>
      expect
        .poll(() => events.filter((one) => one === event).length, { timeout: 8_000, interval: 10 })
        .toBeGreaterThanOrEqual(times),
  };
}

/** Redrives every dead letter of the queue `default`. */
export async function redriveAll({ inspector }: Broker): Promise<void> {
  await inspector?.redrive('default', 'all');
}
