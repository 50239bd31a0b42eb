import {
  type Counter,
  createNoopMeter,
  type Histogram,
  type Meter,
  type MeterProvider,
  metrics,
} from '@opentelemetry/api';
import { DURATION_BOUNDS, VERSION } from '@brokkr/core/adapter';
import { BROKKR, METRICS, SCHEMA_URL } from './conventions.ts';
import { SCOPE } from './current-tracer.ts';

/** The instruments of one meter. */
export class Instruments {
  readonly sent: Counter;
  readonly consumed: Counter;
  readonly tasks: Counter;
  readonly operationDuration: Histogram;
  readonly processDuration: Histogram;
  readonly waitDuration: Histogram;

  constructor(meter: Meter) {
    const counter = (name: string, description: string) =>
      meter.createCounter(name, { unit: '{message}', description });
    const histogram = (name: string, description: string) =>
      meter.createHistogram(name, {
        unit: 's',
        description,
        advice: { explicitBucketBoundaries: [...DURATION_BOUNDS] },
      });
    this.sent = counter(METRICS.sent, 'Messages that were sent to the broker.');
    this.consumed = counter(METRICS.consumed, 'Messages that were delivered to a worker.');
    this.tasks = counter(BROKKR.tasks, 'Deliveries that ended, by outcome.');
    this.operationDuration = histogram(METRICS.operationDuration, 'Duration of calls to the broker.');
    this.processDuration = histogram(METRICS.processDuration, 'How long handlers ran.');
    this.waitDuration = histogram(BROKKR.waitDuration, 'How long messages were due before their handlers started.');
  }
}

/** The meter of a provider. */
export function meterOf(provider: MeterProvider): Meter {
  return provider.getMeter(SCOPE, VERSION, { schemaUrl: SCHEMA_URL });
}

/** The instruments of the meter provider that is registered now. */
export class CurrentInstruments {
  readonly #given: MeterProvider | undefined;
  #provider: MeterProvider | undefined;
  #instruments: Instruments | undefined;

  constructor(given: MeterProvider | undefined) {
    this.#given = given;
  }

  /** `undefined` while no provider is registered. */
  get(): Instruments | undefined {
    const provider = this.#given ?? metrics.getMeterProvider();
    if (provider === this.#provider) return this.#instruments;
    this.#provider = provider;
    const meter = meterOf(provider);
    this.#instruments = meter === createNoopMeter() ? undefined : new Instruments(meter);
    return this.#instruments;
  }
}
