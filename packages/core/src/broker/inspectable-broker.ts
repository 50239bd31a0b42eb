import type { Broker } from './broker.ts';
import type { Envelope } from './envelope.ts';

/**
 * How many messages stand where now (`ready`, `delayed`, `running`, `dead`), and how many have come and gone since
 * the queue began. Left out where the server cannot tell. Where `capabilities.counts` is `exact`:
 * published = acknowledged + dead + discarded + purged + cancelled + expired + (ready + delayed + running).
 */
export interface QueueCounts {
  readonly ready?: number | undefined;
  readonly delayed?: number | undefined;
  readonly running?: number | undefined;
  readonly dead?: number | undefined;
  readonly published?: number | undefined;
  readonly acknowledged?: number | undefined;
  /** Removed by `discard`, or in the way of another message of their id. */
  readonly discarded?: number | undefined;
  /** Removed by `purge` or moved away by `take`. */
  readonly purged?: number | undefined;
  readonly cancelled?: number | undefined;
  readonly expired?: number | undefined;
}

/** Where `peek` can look: among what nobody holds. What is running is counted, and cannot be looked at. */
export type PeekState = 'ready' | 'delayed' | 'dead';

/** What people and tools ask of a broker: beside the way of a message, never on it. */
export interface InspectableBroker extends Broker {
  /** Names of the queues that hold or held messages; where the server cannot list, those this process has used. */
  queues(): Promise<readonly string[]>;

  counts(queue: string): Promise<QueueCounts>;

  /** Copies of up to `limit` messages in their order, oldest first; nothing is lost, moved or counted. */
  peek(queue: string, state: PeekState, limit: number): Promise<readonly Envelope[]>;

  /**
   * Removes up to `limit` ready, then delayed messages, but only once `move` resolved for them: it stores them
   * elsewhere. If it rejects they stay. A delayed one carries the `notBefore` it still has to wait for, by this
   * host's clock. Resolves with how many were removed.
   */
  take(queue: string, limit: number, move: (envelopes: readonly Envelope[]) => Promise<void>): Promise<number>;

  /** Puts dead letters back, all or those named, as `redriveEnvelope` makes them; resolves with how many. */
  redrive(queue: string, ids: readonly string[] | 'all'): Promise<number>;

  /** Removes dead letters, all or those named; resolves with how many. */
  discard(queue: string, ids: readonly string[] | 'all'): Promise<number>;

  /** Removes what is ready; resolves with how many. */
  purge(queue: string): Promise<number>;
}
