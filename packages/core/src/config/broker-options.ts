import type { Logger } from 'pino';
import type { Clock } from '../clock/clock.ts';

/** Options that an adapter gets in addition to its URL. All are optional. */
export interface BrokerOptions {
  /** Prefix of every key, queue and exchange. @default `brokkr` */
  readonly namespace?: string | undefined;
  /** How long an idempotency key is remembered, in milliseconds. @default 24 h */
  readonly idempotencyTtlMs?: number | undefined;
  /** How long `publish` waits for an unreachable server, in milliseconds. @default 5_000 */
  readonly sendTimeoutMs?: number | undefined;
  readonly logger?: Logger | undefined;
  /** Clock for brokers that measure time themselves. @default the system's */
  readonly clock?: Clock | undefined;
  /** Returns the queues that the application knows, for brokers whose server cannot list them. */
  readonly knownQueues?: (() => readonly string[]) | undefined;
}
