import {
  checkChanges,
  checkRead,
  type Clock,
  type RecordAnswer,
  type RecordChange,
  type RecordStore,
} from '@brokkr/core/adapter';

interface Kept {
  readonly fields: Map<string, Uint8Array>;
  /** On the monotonic clock. */
  endsAt: number;
}

/** Expired records are removed once in this many changes, so that they do not accumulate. */
const SWEEP_EVERY = 1_024;

/** The records of all brokers on one server. Every call is synchronous, and therefore one step. */
export class MemoryRecords implements RecordStore {
  readonly #clock: Clock;
  readonly #records = new Map<string, Kept>();
  #changes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async read(key: string, fields?: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
    checkRead(key, fields);
    const stored = this.#find(key)?.fields ?? new Map<string, Uint8Array>();
    const found = new Map<string, Uint8Array>();
    for (const field of fields ?? stored.keys()) {
      const value = stored.get(field);
      if (value !== undefined) found.set(field, Uint8Array.from(value));
    }
    return found;
  }

  async change(changes: readonly RecordChange[]): Promise<readonly RecordAnswer[]> {
    checkChanges(changes);
    return changes.map((change) => this.#change(change));
  }

  #change({
    key,
    expect = new Map(),
    add = new Map(),
    set = new Map(),
    remove = [],
    ttlMs,
  }: RecordChange): RecordAnswer {
    const record = this.#find(key) ?? { fields: new Map<string, Uint8Array>(), endsAt: 0 };
    const { fields } = record;
    for (const [field, value] of expect) {
      if (!isSame(fields.get(field), value)) return { changed: false, added: 0, size: fields.size };
    }
    const before = fields.size;
    for (const [field, value] of add) if (!fields.has(field)) fields.set(field, Uint8Array.from(value));
    const added = fields.size - before;
    for (const [field, value] of set) fields.set(field, Uint8Array.from(value));
    for (const field of remove) fields.delete(field);
    if (ttlMs === 0) fields.clear();
    record.endsAt = this.#clock.monotonic() + ttlMs;
    if (fields.size > 0) this.#records.set(key, record);
    else this.#records.delete(key);
    if (++this.#changes % SWEEP_EVERY === 0) this.#sweep();
    return { changed: true, added, size: fields.size };
  }

  #find(key: string): Kept | undefined {
    const record = this.#records.get(key);
    return record === undefined || record.endsAt <= this.#clock.monotonic() ? undefined : record;
  }

  #sweep(): void {
    const now = this.#clock.monotonic();
    for (const [key, { endsAt }] of this.#records) if (endsAt <= now) this.#records.delete(key);
  }
}

function isSame(found: Uint8Array | undefined, expected: Uint8Array | undefined): boolean {
  if (found === undefined || expected === undefined) return found === expected;
  return Buffer.compare(found, expected) === 0;
}
