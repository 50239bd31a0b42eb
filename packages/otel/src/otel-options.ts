import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import { ConfigError } from '@brokkr/core';
import { checkOptions, type OptionNames, shown } from '@brokkr/core/adapter';

/** Options of `otel`. */
export interface OtelOptions {
  /**
   * How the span of an attempt refers to the send. `link`: the attempt begins a trace of its own, which links to the send.
   * `parent`: the attempt belongs to the trace of the send. @default 'link'
   */
  readonly propagation?: 'link' | 'parent' | undefined;
  /** Whether spans are named after the queue (`process emails`) or the task (`process welcome`). @default 'queue' */
  readonly spanNames?: 'queue' | 'task' | undefined;
  /** Adds the arguments to the spans of attempts, as JSON of at most 4 KiB. They may be secret. @default false */
  readonly arguments?: boolean | undefined;
  /** Also carries baggage from the sender to the handler. @default false */
  readonly baggage?: boolean | undefined;
  /** @default the global one, also if it is registered later */
  readonly tracerProvider?: TracerProvider | undefined;
  /** @default the global one, also if it is registered later */
  readonly meterProvider?: MeterProvider | undefined;
}

const NAMES: OptionNames<OtelOptions> = {
  propagation: true,
  spanNames: true,
  arguments: true,
  baggage: true,
  tracerProvider: true,
  meterProvider: true,
};

const CHOICES = { propagation: ['link', 'parent'], spanNames: ['queue', 'task'] } as const;

/** @throws ConfigError (`OPTION_UNKNOWN`, `OTEL_OPTIONS_INVALID`) */
export function checkOtelOptions(options: OtelOptions): void {
  checkOptions(options, NAMES, 'otel');
  for (const option of ['propagation', 'spanNames'] as const) {
    const given: unknown = options[option];
    const choices: readonly unknown[] = CHOICES[option];
    if (given !== undefined && !choices.includes(given)) throw invalid(option, CHOICES[option].join(' or '), given);
  }
  for (const option of ['arguments', 'baggage'] as const) {
    const given: unknown = options[option];
    if (given !== undefined && typeof given !== 'boolean') throw invalid(option, 'true or false', given);
  }
  for (const [option, method] of [
    ['tracerProvider', 'getTracer'],
    ['meterProvider', 'getMeter'],
  ] as const) {
    const given = options[option] as Readonly<Record<string, unknown>> | undefined;
    if (given !== undefined && typeof given?.[method] !== 'function')
      throw invalid(option, `an object with ${method}()`, given);
  }
}

function invalid(option: string, expected: string, given: unknown): ConfigError {
  return new ConfigError(`otel: ${option} must be ${expected}; got ${shown(given)}`, { code: 'OTEL_OPTIONS_INVALID' });
}
