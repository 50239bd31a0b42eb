import { ProxyTracerProvider, type Tracer, type TracerProvider, trace } from '@opentelemetry/api';
import { VERSION } from '@brokkr/core/adapter';
import { SCHEMA_URL } from './conventions.ts';

/** Name of the instrumentation. */
export const SCOPE = '@brokkr/otel';

/** The tracer of the provider that is registered now. */
export class CurrentTracer {
  readonly #given: TracerProvider | undefined;
  #provider: TracerProvider | undefined;
  #tracer: Tracer | undefined;

  constructor(given: TracerProvider | undefined) {
    this.#given = given;
  }

  /** `undefined` while no provider is registered: then spans would go nowhere. */
  get(): Tracer | undefined {
    const provider = this.#given ?? trace.getTracerProvider();
    if (provider === this.#provider) return this.#tracer;
    if (provider instanceof ProxyTracerProvider && provider.getDelegateTracer(SCOPE) === undefined) return undefined;
    this.#provider = provider;
    this.#tracer = provider.getTracer(SCOPE, VERSION, { schemaUrl: SCHEMA_URL });
    return this.#tracer;
  }
}
