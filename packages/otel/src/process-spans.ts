import {
  type Attributes,
  type Context,
  context,
  type Link,
  propagation,
  type Span,
  type SpanContext,
  SpanKind,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { HandleContext } from '@brokkr/core';
import { errorRecord } from '@brokkr/core/adapter';
import type { Carrier } from './carrier.ts';
import { ATTRIBUTES, BROKKR } from './conventions.ts';
import { fail, messageAttributes } from './send-spans.ts';
import type { SpanNames } from './span-names.ts';
import { typeOf } from './thrown.ts';

/** Any program may send messages, with ids of any length. */
const LONGEST_ID = 200;
const LONGEST_ARGUMENTS = 4_096;

/** Errors by which a run ends without having failed: names of classes, and the events that the span gets instead. */
const EVENTS: Readonly<Record<string, string>> = {
  RetryLater: 'retry later',
  ShutdownError: 'worker stopped',
  TaskCancelledError: 'task cancelled',
};

export interface ProcessSpansOptions {
  readonly carrier: Carrier;
  readonly names: SpanNames;
  readonly asParent: boolean;
  readonly withArguments: boolean;
  readonly withBaggage: boolean;
}

/** The spans of attempts: from the start of a handler to its end. */
export class ProcessSpans {
  readonly #options: ProcessSpansOptions;

  constructor(options: ProcessSpansOptions) {
    this.#options = options;
  }

  /** Runs a handler within the span of its attempt. */
  async around(tracer: Tracer, run: HandleContext, next: () => Promise<unknown>): Promise<unknown> {
    const sent = this.#options.carrier.extract(run.message.headers);
    const span = this.#start(tracer, run, sent);
    this.#bind(run, span.spanContext());
    try {
      return await context.with(this.#contextFor(span, sent), next);
    } catch (error) {
      end(span, error, run);
      throw error;
    } finally {
      span.end();
    }
  }

  #start(tracer: Tracer, { message, task }: HandleContext, sent: Context): Span {
    const { names, asParent } = this.#options;
    const name = names.of('process', message);
    const attributes = this.#attributes(message, task.maxRetries);
    const creation = trace.getSpanContext(sent);
    if (!asParent) {
      const links = creation === undefined ? [] : [{ context: creation }];
      return tracer.startSpan(name, { kind: SpanKind.CONSUMER, attributes, links, root: true });
    }
    const around = trace.getSpanContext(context.active());
    const links: Link[] = around === undefined ? [] : [{ context: around }];
    return tracer.startSpan(name, { kind: SpanKind.CONSUMER, attributes, links }, sent);
  }

  #contextFor(span: Span, sent: Context): Context {
    const running = trace.setSpan(context.active(), span);
    const baggage = this.#options.withBaggage ? propagation.getBaggage(sent) : undefined;
    return baggage === undefined ? running : propagation.setBaggage(running, baggage);
  }

  #attributes(message: HandleContext['message'], maxRetries: number | undefined): Attributes {
    return {
      ...messageAttributes('process', message),
      [ATTRIBUTES.messageId]: message.id.slice(0, LONGEST_ID),
      [BROKKR.attempt]: message.attempt,
      [BROKKR.maxRetries]: message.maxRetries ?? maxRetries,
      ...(this.#options.withArguments && {
        [BROKKR.arguments]: JSON.stringify(message.args).slice(0, LONGEST_ARGUMENTS),
      }),
    };
  }

  /** Log lines of the attempt name its trace. */
  #bind(run: HandleContext, { traceId, spanId }: SpanContext): void {
    run.bind({ trace_id: traceId, span_id: spanId });
  }
}

/** An abort explains the error that a handler threw because of it. */
function end(span: Span, thrown: unknown, { signal }: HandleContext): void {
  const error: unknown = signal.aborted ? signal.reason : thrown;
  const record = errorRecord(error);
  const event = EVENTS[nameOf(error)];
  if (event === undefined) fail(span, error);
  else span.addEvent(event, { [ATTRIBUTES.errorType]: typeOf(record), message: record.message });
}

function nameOf(error: unknown): string {
  const { name } = errorRecord(error);
  return Object.hasOwn(EVENTS, name) ? name : '';
}
