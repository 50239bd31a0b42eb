import type { HandleContext, Middleware, SendContext, Telemetry } from '@brokkr/core';
import { Carrier } from './carrier.ts';
import { CurrentInstruments } from './current-instruments.ts';
import { CurrentTracer } from './current-tracer.ts';
import { MetricsSink } from './metrics-sink.ts';
import { checkOtelOptions, type OtelOptions } from './otel-options.ts';
import { ProcessSpans } from './process-spans.ts';
import { SendSpans } from './send-spans.ts';
import { recordFailedSettle } from './settle-spans.ts';
import { SpanNames } from './span-names.ts';

type BrokerCall = Parameters<NonNullable<Telemetry['brokerCall']>>[0];
type Sending = Parameters<NonNullable<Middleware['send']>>;

/**
 * Traces and metrics for OpenTelemetry: pass it to `initialize({ telemetry: [otel()] })`. It uses the providers that the
 * application registers, before or after. Without a provider, messages take the path that they take without telemetry.
 *
 * @throws ConfigError (`OPTION_UNKNOWN`, `OTEL_OPTIONS_INVALID`)
 * @example
 * const tm = TaskManager.getInstance();
 * await tm.initialize({ telemetry: [otel()] });
 */
export function otel(options: OtelOptions = {}): Telemetry {
  checkOtelOptions(options);
  return new OtelTelemetry(options);
}

class OtelTelemetry implements Telemetry {
  readonly name = 'otel';
  readonly #tracer: CurrentTracer;
  readonly #sends: SendSpans;
  readonly #attempts: ProcessSpans;
  readonly #metrics: MetricsSink;
  readonly #instruments: CurrentInstruments;
  readonly sent: NonNullable<Telemetry['sent']>;
  readonly ran: NonNullable<Telemetry['ran']>;

  constructor({ propagation, spanNames, arguments: args, baggage, tracerProvider, meterProvider }: OtelOptions) {
    const carrier = new Carrier(baggage === true);
    const names = new SpanNames(spanNames ?? 'queue');
    this.#tracer = new CurrentTracer(tracerProvider);
    this.#sends = new SendSpans(carrier, names);
    this.#attempts = new ProcessSpans({
      carrier,
      names,
      asParent: propagation === 'parent',
      withArguments: args === true,
      withBaggage: baggage === true,
    });
    this.#instruments = new CurrentInstruments(meterProvider);
    const sink = new MetricsSink(this.#instruments);
    this.#metrics = sink;
    this.sent = (event) => sink.sent(event);
    this.ran = (event) => sink.ran(event);
  }

  isIdle(): boolean {
    return this.#tracer.get() === undefined && this.#instruments.get() === undefined;
  }

  send(context: SendContext, next: Sending[1]): ReturnType<Sending[1]> {
    const tracer = this.#tracer.get();
    return tracer === undefined ? next() : this.#sends.around(tracer, context, next);
  }

  handle(context: HandleContext, next: () => Promise<unknown>): Promise<unknown> {
    const tracer = this.#tracer.get();
    return tracer === undefined ? next() : this.#attempts.around(tracer, context, next);
  }

  brokerCall(event: BrokerCall): void {
    this.#metrics.brokerCall(event);
    if (event.error === undefined) return;
    const tracer = this.#tracer.get();
    if (tracer !== undefined) recordFailedSettle(tracer, event);
  }
}
