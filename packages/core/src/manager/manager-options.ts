import type { Logger } from 'pino';
import type { Broker } from '../broker/broker.ts';
import type { ResultStore } from '../broker/optional-brokers.ts';
import type { Clock } from '../clock/clock.ts';
import type { ConfigOptions } from '../config/task-config.ts';
import type { RetryPolicy } from '../retry/retry-policy.ts';

/** `producer` sends, `worker` runs tasks too. */
export type RunMode = 'producer' | 'worker';

/** What `initialize` takes: every setting of the environment, and the objects that no variable can hold. */
export interface ManagerOptions extends ConfigOptions {
  /** @default `SERVICE_TYPE`, else a worker as soon as one is created, else a producer */
  readonly runMode?: RunMode | undefined;
  /** @default the process's `logger`, with this manager's `logLevel` and `logFormat` where given */
  readonly logger?: Logger | undefined;
  /** In place of `brokerUrl`. Closed with the manager. */
  readonly broker?: Broker | undefined;
  /** In place of `resultUrl`. */
  readonly resultStore?: ResultStore | undefined;
  /** For tasks without `retry` and `retryDelay`. @default exponential from `retryDelay` */
  readonly retryPolicy?: RetryPolicy | undefined;
  /** @default the system's */
  readonly clock?: Clock | undefined;
}
