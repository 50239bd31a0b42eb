import { SpanKind, type Tracer } from '@opentelemetry/api';
import type { Telemetry } from '@brokkr/core';
import { ATTRIBUTES, BROKKR, OPERATION_TYPES } from './conventions.ts';
import { fail } from './send-spans.ts';

type BrokerCall = Parameters<NonNullable<Telemetry['brokerCall']>>[0];

/** Records a settlement that failed: messages may be delivered again because of it. Others get no span. */
export function recordFailedSettle(tracer: Tracer, { operation, queue, ms, messages, error }: BrokerCall): void {
  if (operation !== 'settle' || error === undefined) return;
  const span = tracer.startSpan(`settle ${queue}`, {
    kind: SpanKind.CLIENT,
    startTime: Date.now() - ms,
    root: true,
    attributes: {
      [ATTRIBUTES.system]: BROKKR.system,
      [ATTRIBUTES.operationName]: 'settle',
      [ATTRIBUTES.operationType]: OPERATION_TYPES.settle,
      [ATTRIBUTES.destination]: queue,
      [ATTRIBUTES.batchCount]: messages,
    },
  });
  fail(span, error);
  span.end();
}
