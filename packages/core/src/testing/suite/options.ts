import type { Broker } from '../../broker/broker.ts';
import type { Clock } from '../../clock/clock.ts';
import type { Runner } from '../runner.ts';

/** What the suite asks of each broker it opens. What one keeps in its own object alone needs no namespace. */
export interface OpenOptions {
  /** Leases to give where `subscribe` does not say otherwise, milliseconds. */
  readonly leaseMs: number;
  /** Of its own for each case: two cases never see each other's messages. */
  readonly namespace: string;
  /** The system's clock, or with `time: 'virtual'` one that the suite moves. */
  readonly clock: Clock;
}

/** What `brokerSuite` takes: runner and `open` do, the rest has it test more, or in other time. */
export interface BrokerSuiteOptions {
  readonly runner: Runner;
  /** A broker on the server under test. Called for each case, twice where a case needs two processes' worth. */
  readonly open: (options: OpenOptions) => Broker | Promise<Broker>;
  /** Restarts the server, keeping what it stores. Where it is given, and the broker persistent, restarts are tested. */
  readonly restart?: (() => Promise<void>) | undefined;
  /** Kills the server and starts it again. In place of `restart` where both are given. */
  readonly crash?: (() => Promise<void>) | undefined;
  /** `virtual` for a broker that takes all its time from the clock it is given. @default `real` */
  readonly time?: 'real' | 'virtual' | undefined;
  /** Leases the suite works with, milliseconds. @default 600, or 30_000 in virtual time */
  readonly leaseMs?: number | undefined;
  /** Told which cases had nothing to check, and why. @default nobody */
  readonly onNotApplicable?: ((test: string, reason: string) => void) | undefined;
}
