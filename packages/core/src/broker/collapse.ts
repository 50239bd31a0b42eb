/** How an envelope is joined with an unfinished message of the same key in its queue. */
export interface Collapse {
  /** Key within the queue of the envelope; 1 to 500 characters. */
  readonly key: string;
  /**
   * `unique`: the envelope is not stored while the message that has the key is ready, delayed or running. `waiting`: while
   * it is ready or delayed. `debounce`: while the message with the key is delayed and has not run, the envelope takes its
   * place: same id, new body and headers, no crashes, due after its own `notBefore`, but not later than `maxWaitMs` after
   * the first.
   */
  readonly mode: 'unique' | 'waiting' | 'debounce';
  /** How long the key is remembered after its message is due, in milliseconds. */
  readonly ttlMs: number;
  /**
   * Of a debounced message that comes back after a run: it is not replaced any longer. While it is delayed, the next
   * `publish` of the key removes it, stores a message of its own, and the removed one counts as acknowledged.
   */
  readonly hasRun?: true | undefined;
  /** Longest delay of a debounced message, from the send that first stored it, in milliseconds. @default no limit */
  readonly maxWaitMs?: number | undefined;
}
