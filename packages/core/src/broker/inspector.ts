import type { Envelope } from './envelope.ts';

/**
 * How many messages a queue holds now (`ready`, `delayed`, `running`, `dead`), and how many have come and gone since it
 * began. A figure that the server does not know is left out, never zero. If `capabilities.counts` is `exact`:
 * published = acknowledged + dead + discarded + purged + cancelled + expired + (ready + delayed + running).
 */
export interface QueueCounts {
  readonly ready?: number | undefined;
  readonly delayed?: number | undefined;
  readonly running?: number | undefined;
  readonly dead?: number | undefined;
  readonly published?: number | undefined;
  readonly acknowledged?: number | undefined;
  /** Removed by `discard`, or replaced by another message with the same id. */
  readonly discarded?: number | undefined;
  /** Removed by `purge`, or moved away by `take`. */
  readonly purged?: number | undefined;
  readonly cancelled?: number | undefined;
  readonly expired?: number | undefined;
}

/** States that `peek` can show: messages that no worker holds. Running messages are counted, but cannot be shown. */
export type PeekState = 'ready' | 'delayed' | 'dead';

/** The part of a broker that people and tools ask: queues, counts, dead letters. No message passes through it. */
export interface Inspector {
  /** Names of the queues that hold or held messages. If the server cannot list them: those that this process has used. */
  queues(): Promise<readonly string[]>;

  counts(queue: string): Promise<QueueCounts>;

  /** Copies of up to `limit` messages in their order, oldest first. Nothing is lost, moved or counted. */
  peek(queue: string, state: PeekState, limit: number): Promise<readonly Envelope[]>;

  /**
   * Moves up to `limit` ready, then delayed messages elsewhere. Messages are removed only after `move` has resolved for
   * them; if it rejects, they stay. A delayed message carries the `notBefore` it still has to wait for, by this host's
   * clock.
   * @returns how many were removed
   */
  take(queue: string, limit: number, move: (envelopes: readonly Envelope[]) => Promise<void>): Promise<number>;

  /** Puts dead letters back, all or those named, as `redriveEnvelope` makes them. @returns how many */
  redrive(queue: string, ids: readonly string[] | 'all'): Promise<number>;

  /** Removes dead letters, all or those named. @returns how many */
  discard(queue: string, ids: readonly string[] | 'all'): Promise<number>;

  /** Removes the ready messages. @returns how many */
  purge(queue: string): Promise<number>;
}
