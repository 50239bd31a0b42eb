/** The part of a broker that knows messages by their ids. Without it `handle.cancel()` rejects. */
export interface MessageIndex {
  /** Removes ready or delayed messages. @returns the ids that were removed; running and unknown ones are left out */
  cancel(queue: string, ids: readonly string[]): Promise<readonly string[]>;
  /**
   * Returns those of `ids` that have not ended: ready, delayed or running in `queue`. Messages that were acknowledged,
   * dead-lettered, expired, cancelled or purged, and unknown ids, are left out.
   */
  unfinished(queue: string, ids: readonly string[]): Promise<readonly string[]>;
}
