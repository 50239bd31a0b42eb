import type { Attributes } from '@opentelemetry/api';
import type { Telemetry } from '@brokkr/core';
import { ATTRIBUTES, BROKKR, OTHER_ERROR } from './conventions.ts';
import type { CurrentInstruments } from './current-instruments.ts';
import { errorType } from './thrown.ts';

type Sent = Parameters<NonNullable<Telemetry['sent']>>[0];
type Ran = Parameters<NonNullable<Telemetry['ran']>>[0];
type BrokerCall = Parameters<NonNullable<Telemetry['brokerCall']>>[0];

/** Most values of `error.type`: codes and names of errors come from applications and their libraries. */
const MOST_TYPES = 100;

/** Outcomes of deliveries whose handler failed. */
const FAILED: ReadonlySet<string> = new Set(['retried', 'dead']);

/** Counts what the core reports. */
export class MetricsSink {
  readonly #current: CurrentInstruments;
  readonly #types = new Set<string>();

  constructor(current: CurrentInstruments) {
    this.#current = current;
  }

  sent(event: Sent): void {
    const instruments = this.#current.get();
    if (instruments === undefined) return;
    const { queue, task, ms, messages, error } = event;
    const attributes = { ...this.#attributes('send', queue, error), [BROKKR.task]: task };
    instruments.sent.add(messages, attributes);
    instruments.operationDuration.record(ms / 1_000, attributes);
  }

  ran(event: Ran): void {
    const instruments = this.#current.get();
    if (instruments === undefined) return;
    const { queue, task, outcome, ranMs, waitedMs, error } = event;
    const failure = FAILED.has(outcome) ? error : undefined;
    const attributes = { ...this.#attributes('process', queue, failure), [BROKKR.task]: task };
    instruments.consumed.add(1, attributes);
    instruments.tasks.add(1, { ...attributes, [BROKKR.outcome]: outcome });
    // No handler ran for messages that expired, or whose task is unknown.
    if (ranMs === 0) return;
    instruments.processDuration.record(ranMs / 1_000, attributes);
    instruments.waitDuration.record(waitedMs / 1_000, { [ATTRIBUTES.destination]: queue, [BROKKR.task]: task });
  }

  /** The duration of a `receive` includes the wait for messages. `extend` is not an operation of the conventions. */
  brokerCall({ operation, queue, ms, error }: BrokerCall): void {
    if (operation === 'extend') return;
    this.#current.get()?.operationDuration.record(ms / 1_000, this.#attributes(operation, queue, error));
  }

  #attributes(operation: string, queue: string, error: unknown): Attributes {
    const attributes: Attributes = {
      [ATTRIBUTES.system]: BROKKR.system,
      [ATTRIBUTES.operationName]: operation,
      [ATTRIBUTES.destination]: queue,
    };
    if (error !== undefined) attributes[ATTRIBUTES.errorType] = this.#boundedType(error);
    return attributes;
  }

  #boundedType(error: unknown): string {
    const type = errorType(error);
    if (this.#types.has(type)) return type;
    if (this.#types.size >= MOST_TYPES) return OTHER_ERROR;
    this.#types.add(type);
    return type;
  }
}
