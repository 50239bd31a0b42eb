import { type Attributes, context, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import type { OutgoingMessage, SendContext } from '@brokkr/core';
import { errorRecord } from '@brokkr/core/adapter';
import type { Carrier } from './carrier.ts';
import { ATTRIBUTES, BROKKR, OPERATION_TYPES } from './conventions.ts';
import type { SpanNames } from './span-names.ts';
import { exceptionOf, typeOf } from './thrown.ts';

type Batch = NonNullable<SendContext['batch']>;

/** Of a larger batch no message has a span of its own. */
const MOST_CREATED = 100;

/** The span of one call that sends several messages. */
interface BatchSpan {
  readonly span: Span;
  pending: number;
}

/** The spans of messages that are sent. */
export class SendSpans {
  readonly #carrier: Carrier;
  readonly #names: SpanNames;
  readonly #batches = new WeakMap<Batch, BatchSpan>();

  constructor(carrier: Carrier, names: SpanNames) {
    this.#carrier = carrier;
    this.#names = names;
  }

  /** Sends a message within its span, whose context goes into the headers of the message. */
  async around<R extends { readonly isNew: boolean }>(
    tracer: Tracer,
    { message, batch }: SendContext,
    next: () => Promise<R>,
  ): Promise<R> {
    if (batch !== undefined) return this.#aroundOfMany(tracer, message, batch, next);
    const span = tracer.startSpan(this.#names.of('send', message), {
      kind: SpanKind.PRODUCER,
      attributes: { ...messageAttributes('send', message), [ATTRIBUTES.messageId]: message.id },
    });
    const sending = trace.setSpan(context.active(), span);
    this.#carrier.inject(sending, message.headers);
    try {
      const receipt = await context.with(sending, next);
      if (!receipt.isNew) span.setAttribute(BROKKR.duplicate, true);
      return receipt;
    } catch (error) {
      fail(span, error);
      throw error;
    } finally {
      span.end();
    }
  }

  /** A span `send` for the batch. It links to a span `create` of each message, unless there are too many. */
  async #aroundOfMany<R>(tracer: Tracer, message: OutgoingMessage, batch: Batch, next: () => Promise<R>): Promise<R> {
    const sent = this.#batches.get(batch) ?? this.#begin(tracer, message, batch);
    sent.pending++;
    const created = batch.size > MOST_CREATED ? sent.span : this.#create(tracer, message, sent.span);
    this.#carrier.inject(trace.setSpan(context.active(), created), message.headers);
    try {
      return await context.with(trace.setSpan(context.active(), sent.span), next);
    } catch (error) {
      fail(sent.span, error);
      throw error;
    } finally {
      // The messages of a batch begin in one turn of the event loop, so none comes after the last one has ended.
      if (--sent.pending === 0) sent.span.end();
    }
  }

  #begin(tracer: Tracer, message: OutgoingMessage, batch: Batch): BatchSpan {
    const span = tracer.startSpan(this.#names.of('send', message), {
      kind: batch.size > MOST_CREATED ? SpanKind.PRODUCER : SpanKind.CLIENT,
      attributes: { ...messageAttributes('send', message), [ATTRIBUTES.batchCount]: batch.size },
    });
    const sent = { span, pending: 0 };
    this.#batches.set(batch, sent);
    return sent;
  }

  #create(tracer: Tracer, message: OutgoingMessage, sending: Span): Span {
    const span = tracer.startSpan(this.#names.of('create', message), {
      kind: SpanKind.PRODUCER,
      attributes: { ...messageAttributes('create', message), [ATTRIBUTES.messageId]: message.id },
    });
    sending.addLink({ context: span.spanContext() });
    span.end();
    return span;
  }
}

/** Attributes of every span about messages of one task. */
export function messageAttributes(
  operation: keyof typeof OPERATION_TYPES,
  { queue, task }: { readonly queue: string; readonly task: string },
): Attributes {
  return {
    [ATTRIBUTES.system]: BROKKR.system,
    [ATTRIBUTES.operationName]: operation,
    [ATTRIBUTES.operationType]: OPERATION_TYPES[operation],
    [ATTRIBUTES.destination]: queue,
    [BROKKR.task]: task,
  };
}

/** Records an error as the failure of a span. */
export function fail(span: Span, error: unknown): void {
  const record = errorRecord(error);
  span.recordException(exceptionOf(record));
  span.setAttribute(ATTRIBUTES.errorType, typeOf(record));
  span.setStatus({ code: SpanStatusCode.ERROR, message: record.message });
}
