import type { RecordAnswer, RecordChange, RecordStore } from '../../broker/record-store.ts';
import type { Clock } from '../../clock/clock.ts';
import type { TestBench } from './bench.ts';

/** The store of a case: that of the broker; for a broker without records, one in this process. */
export function recordsOf({ broker, clock }: TestBench): RecordStore {
  return broker.records ?? new KeptRecords(clock);
}

interface Kept {
  readonly fields: Map<string, Uint8Array>;
  readonly endsAt: number;
}

const NONE: Kept = { fields: new Map(), endsAt: 0 };

/** A record store in this process. */
class KeptRecords implements RecordStore {
  readonly #clock: Clock;
  readonly #records = new Map<string, Kept>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async read(key: string, fields?: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
    return new Map([...this.#find(key)].filter(([field]) => fields?.includes(field) ?? true));
  }

  async change(changes: readonly RecordChange[]): Promise<readonly RecordAnswer[]> {
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
    const fields = new Map(this.#find(key));
    const textOf = (value: Uint8Array | undefined) => value && Buffer.from(value).toString('latin1');
    for (const [field, value] of expect) {
      if (textOf(fields.get(field)) !== textOf(value)) return { changed: false, added: 0, size: fields.size };
    }
    const fresh = [...add].filter(([field]) => !fields.has(field));
    for (const [field, value] of [...fresh, ...set]) fields.set(field, value);
    for (const field of remove) fields.delete(field);
    if (ttlMs === 0) fields.clear();
    this.#records.set(key, { fields, endsAt: this.#clock.monotonic() + ttlMs });
    return { changed: true, added: fresh.length, size: fields.size };
  }

  #find(key: string): ReadonlyMap<string, Uint8Array> {
    const { fields, endsAt } = this.#records.get(key) ?? NONE;
    return endsAt > this.#clock.monotonic() ? fields : NONE.fields;
  }
}
