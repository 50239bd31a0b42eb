import type { Middleware } from './middleware.ts';

/**
 * How one delivery ended, once the broker has confirmed it. `interrupted`: the worker stopped and gave the message back.
 * `unknown`: no answer of the broker says whether the settlement took effect.
 */
export type RunOutcome =
  | 'succeeded'
  | 'retried'
  | 'dead'
  | 'expired'
  | 'cancelled'
  | 'lease_lost'
  | 'interrupted'
  | 'unknown';

/** Messages that one call stored, or did not store. */
export interface SentEvent {
  readonly queue: string;
  readonly task: string;
  /** From `send` until the broker answered, milliseconds. */
  readonly ms: number;
  readonly messages: number;
  readonly error?: unknown;
}

/** One delivery that ended. */
export interface RanEvent {
  readonly queue: string;
  /** `_other` for a task that this process does not define. */
  readonly task: string;
  readonly attempt: number;
  readonly outcome: RunOutcome;
  /** How long the handler ran, milliseconds; 0 if it did not run. */
  readonly ranMs: number;
  /** How long the message was due before its handler started, milliseconds; 0 if it did not run. */
  readonly waitedMs: number;
  readonly error?: unknown;
}

/** One call of a worker to its broker. */
export interface BrokerCallEvent {
  /** `receive` includes the time for which it waits for messages. */
  readonly operation: BrokerOperation;
  readonly queue: string;
  readonly ms: number;
  readonly messages: number;
  readonly error?: unknown;
}

export type BrokerOperation = 'receive' | 'settle' | 'extend';

/**
 * Is called for every send, every delivery that ended and every broker call. The calls are synchronous: keep them short.
 * A sink that throws is logged once, and not called again.
 */
export interface TelemetrySink {
  sent?(event: SentEvent): void;
  ran?(event: RanEvent): void;
  brokerCall?(event: BrokerCallEvent): void;
}

/**
 * A sink, a middleware, or both in one object, for `initialize({ telemetry: [...] })`. While `isIdle` of every sink returns
 * `true`, neither `sent` nor `ran` is called.
 */
export interface Telemetry extends TelemetrySink, Partial<Middleware> {}
