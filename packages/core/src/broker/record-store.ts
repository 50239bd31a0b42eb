/** A change of one record. Its steps take effect together, or not at all. */
export interface RecordChange {
  /** Name of the record: 1 to 512 characters. */
  readonly key: string;
  /** The values that these fields must have; `undefined`: the field must be absent. Otherwise nothing is changed. */
  readonly expect?: ReadonlyMap<string, Uint8Array | undefined> | undefined;
  /** Fields to store if they are absent. */
  readonly add?: ReadonlyMap<string, Uint8Array> | undefined;
  /** Fields to store in any case, after `add`. */
  readonly set?: ReadonlyMap<string, Uint8Array> | undefined;
  /** Fields to remove, after `set`. */
  readonly remove?: readonly string[] | undefined;
  /** The record ends so long after this change, in milliseconds. 0 removes it with all its fields. */
  readonly ttlMs: number;
}

/** What became of a change. */
export interface RecordAnswer {
  /** False if a field did not have the value that `expect` names: nothing was changed, and the end of the record stays. */
  readonly changed: boolean;
  /** Number of fields of `add` that were absent and are stored now. */
  readonly added: number;
  /** Number of fields of the record after the change. */
  readonly size: number;
}

/**
 * The part of a broker that keeps records: fields by name, changed by compare-and-set, each record with an end. For steps
 * of a task, and for keys of unique and debounced messages. If a broker leaves it out, `TASK_STORE_URL` may name another.
 *
 * A call may be repeated after a lost answer: the repeat of an `add` stores nothing and answers the same size. A caller
 * that must recognize its own write gives each write a value of its own, and reads the record.
 */
export interface RecordStore {
  /**
   * Reads a record. Every read that begins after a change has resolved sees that change, on any connection.
   * @param fields the fields to read @default all of them
   * @returns the fields that are there; none if there is no record
   * @throws ConfigError (`RECORD_INVALID`) for an invalid name
   * @throws BrokerUnavailableError if the server is unreachable for longer than `sendTimeoutMs`
   */
  read(key: string, fields?: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;

  /**
   * Changes records: each in one step, independent of the others, in the order of the call for changes of one record.
   * @returns an answer for each change, in their order
   * @throws ConfigError (`RECORD_INVALID`) for an invalid change, before anything is changed
   * @throws BrokerUnavailableError if the server is unreachable for longer than `sendTimeoutMs`: any of the changes may
   * have taken effect
   */
  change(changes: readonly RecordChange[]): Promise<readonly RecordAnswer[]>;
}
