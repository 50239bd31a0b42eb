import type { Envelope } from './envelope.ts';

/** A message that was found by its id. */
export interface FoundMessage {
  readonly state: 'ready' | 'delayed' | 'running' | 'dead';
  readonly envelope: Envelope;
  /** When a delayed message becomes ready, epoch milliseconds by this host's clock. */
  readonly dueAt?: number | undefined;
  /** Id of the worker that holds a running message, if the broker knows it. */
  readonly workerId?: string | undefined;
}

/** The part of a broker that knows messages by their ids. Without it `handle.cancel()` rejects. */
export interface MessageIndex {
  /** Finds up to 500 messages of `queue`, in the order of `ids`. Messages that have ended otherwise, and unknown ids, are left out. */
  find(queue: string, ids: readonly string[]): Promise<readonly FoundMessage[]>;

  /**
   * Makes delayed messages ready now, in the order of `ids`, ahead of those that are ready: they have waited before.
   * @returns the ids that were delayed and are ready, in any order
   */
  promote(queue: string, ids: readonly string[]): Promise<readonly string[]>;

  /** Removes ready or delayed messages. @returns the ids that were removed; running and unknown ones are left out */
  cancel(queue: string, ids: readonly string[]): Promise<readonly string[]>;

  /**
   * Returns those of `ids` that have not ended: ready, delayed or running in `queue`. Messages that were acknowledged,
   * dead-lettered, expired, cancelled or purged, and unknown ids, are left out.
   */
  unfinished(queue: string, ids: readonly string[]): Promise<readonly string[]>;
}
