import { type Context, propagation, ROOT_CONTEXT, type TextMapGetter, type TextMapSetter } from '@opentelemetry/api';
import { HEADER_LIMITS } from '@brokkr/core/adapter';

const BAGGAGE = 'baggage';
/** Names that a propagator may add to a message: those of HTTP headers. */
const NAME = /^[A-Za-z0-9._-]{1,120}$/;

type Headers = Record<string, string>;

/** Carries the trace context, and baggage if it is wanted, in the headers of messages. */
export class Carrier {
  readonly #withBaggage: boolean;
  readonly #setter: TextMapSetter<Headers>;
  readonly #getter: TextMapGetter<Readonly<Headers>>;

  constructor(withBaggage: boolean) {
    this.#withBaggage = withBaggage;
    this.#setter = { set: (headers, name, value) => this.#set(headers, name, value) };
    this.#getter = {
      keys: (headers) => Object.keys(headers).filter((name) => this.#isWanted(name)),
      get: (headers, name) => (this.#isWanted(name) && Object.hasOwn(headers, name) ? headers[name] : undefined),
    };
  }

  /** Adds the context to headers. A context that the sender has set stays, and so do the limits of a message. */
  inject(context: Context, headers: Headers): void {
    if (Object.hasOwn(headers, 'traceparent')) return;
    propagation.inject(context, headers, this.#setter);
  }

  /** The context in the headers of a message, which any program may have written: the propagator checks it. */
  extract(headers: Readonly<Headers>): Context {
    return propagation.extract(ROOT_CONTEXT, headers, this.#getter);
  }

  /** A trace must not make a send fail: a header that would be one too many, or too long, is left out. */
  #set(headers: Headers, name: string, value: string): void {
    if (!this.#isWanted(name) || !NAME.test(name) || Object.hasOwn(headers, name)) return;
    if (Object.keys(headers).length >= HEADER_LIMITS.count || Buffer.byteLength(value) > HEADER_LIMITS.bytes) return;
    headers[name] = value;
  }

  #isWanted(name: string): boolean {
    return this.#withBaggage || name !== BAGGAGE;
  }
}
