import type { Logger } from 'pino';
import type { Clock } from '../clock/clock.ts';

/** What an adapter is given beside its URL; every field may be left out. */
export interface BrokerOptions {
  /** Prefix of every key, queue and exchange. @default `brokkr` */
  readonly namespace?: string | undefined;
  /** Life of an idempotency key, milliseconds. @default 24 h */
  readonly idempotencyTtlMs?: number | undefined;
  /** How long `publish` may wait for a server that is away, milliseconds. @default 5_000 */
  readonly sendTimeoutMs?: number | undefined;
  readonly logger?: Logger | undefined;
  /** Time, for brokers that keep it themselves. @default the system's */
  readonly clock?: Clock | undefined;
  /** Queues the application knows, for brokers whose server cannot list them. */
  readonly knownQueues?: (() => readonly string[]) | undefined;
}
