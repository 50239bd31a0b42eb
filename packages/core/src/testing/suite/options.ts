import type { Broker } from '../../broker/broker.ts';
import type { Clock } from '../../clock/clock.ts';
import type { Runner } from '../runner.ts';

/**
 * Options with which the suite opens each broker. A broker that keeps its messages in its own object can ignore
 * `namespace`.
 */
export interface OpenOptions {
  /** Lease for `subscribe` without `leaseMs`, in milliseconds. */
  readonly leaseMs: number;
  /** A different one for each case, so that cases never see each other's messages. */
  readonly namespace: string;
  /** The system's clock, or with `time: 'virtual'` one that the suite moves. */
  readonly clock: Clock;
}

/** Options of `brokerSuite`. `runner` and `open` are required. */
export interface BrokerSuiteOptions {
  readonly runner: Runner;
  /** Opens a broker on the server under test. Called once in each case, or twice if the case needs two processes. */
  readonly open: (options: OpenOptions) => Broker | Promise<Broker>;
  /**
   * Opens a broker whose parts serve workers of the broker under test if that has none, as `TASK_STORE_URL` does: so far
   * its `limits`. @default none: the cases of workers with limits are not applicable
   */
  readonly openStore?: ((options: OpenOptions) => Broker | Promise<Broker>) | undefined;
  /**
   * Restarts the server, with its stored data. If it is given and the broker is persistent, the suite tests restarts.
   */
  readonly restart?: (() => Promise<void>) | undefined;
  /** Kills the server and starts it again. It is used instead of `restart` if both are given. */
  readonly crash?: (() => Promise<void>) | undefined;
  /** `virtual` for a broker that uses only the clock it is given. @default `real` */
  readonly time?: 'real' | 'virtual' | undefined;
  /** Lease in the cases, in milliseconds. @default 600, or 30_000 in virtual time */
  readonly leaseMs?: number | undefined;
  /** Called with each case that has nothing to check on this broker, and the reason. @default no call */
  readonly onNotApplicable?: ((test: string, reason: string) => void) | undefined;
}
