import type { Logger } from 'pino';
import type { Middleware } from './middleware.ts';
import type { BrokerCallEvent, RanEvent, SentEvent, Telemetry, TelemetrySink } from './telemetry.ts';

type Method = keyof TelemetrySink;

/** Calls the sinks of an application. What a sink throws is logged once, and the sink is not called again. */
export class TelemetrySinks {
  readonly #logger: Logger;
  #sinks: readonly Telemetry[];
  /** Sinks by method; `undefined` without sinks, so that callers need not create an event. */
  #sent: readonly Telemetry[] | undefined;
  #ran: readonly Telemetry[] | undefined;
  #brokerCall: readonly Telemetry[] | undefined;

  constructor(sinks: readonly Telemetry[], logger: Logger) {
    this.#logger = logger;
    this.#sinks = sinks;
    this.#sort();
  }

  /** Whether a sink wants `sent` events. */
  get hearsSent(): boolean {
    return this.#sent !== undefined && !areAllIdle(this.#sent);
  }

  get hearsRan(): boolean {
    return this.#ran !== undefined && !areAllIdle(this.#ran);
  }

  get hearsBrokerCalls(): boolean {
    return this.#brokerCall !== undefined && !areAllIdle(this.#brokerCall);
  }

  sent(event: SentEvent): void {
    this.#call(this.#sent, 'sent', event);
  }

  ran(event: RanEvent): void {
    this.#call(this.#ran, 'ran', event);
  }

  brokerCall(event: BrokerCallEvent): void {
    this.#call(this.#brokerCall, 'brokerCall', event);
  }

  #call(sinks: readonly Telemetry[] | undefined, method: Method, event: SentEvent | RanEvent | BrokerCallEvent): void {
    if (sinks === undefined) return;
    for (const sink of sinks) {
      try {
        const answer: unknown = (sink[method] as (given: typeof event) => unknown).call(sink, event);
        if (answer instanceof Promise) answer.catch((error: unknown) => this.#drop(sink, error));
      } catch (error) {
        this.#drop(sink, error);
      }
    }
  }

  #drop(sink: Telemetry, error: unknown): void {
    if (!this.#sinks.includes(sink)) return;
    this.#sinks = this.#sinks.filter((other) => other !== sink);
    this.#sort();
    this.#logger.error({ error, telemetry: sink.name }, 'a telemetry sink failed; it is not called again');
  }

  #sort(): void {
    const having = (method: Method) => {
      const sinks = this.#sinks.filter((sink) => sink[method] !== undefined);
      return sinks.length === 0 ? undefined : sinks;
    };
    this.#sent = having('sent');
    this.#ran = having('ran');
    this.#brokerCall = having('brokerCall');
  }
}

function areAllIdle(sinks: readonly Telemetry[]): boolean {
  for (const sink of sinks) if (sink.isIdle === undefined || !sink.isIdle()) return false;
  return true;
}

/** The middleware among the telemetry of an application: it is around all other middleware. */
export function telemetryMiddleware(telemetry: readonly Telemetry[]): readonly Middleware[] {
  return telemetry.flatMap((one) => {
    const { name = 'telemetry', send, handle, isIdle } = one;
    if (send === undefined && handle === undefined) return [];
    return [
      {
        name,
        ...(send && { send: send.bind(one) }),
        ...(handle && { handle: handle.bind(one) }),
        ...(isIdle && { isIdle: isIdle.bind(one) }),
      },
    ];
  });
}
