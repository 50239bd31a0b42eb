import type { RecordAnswer, RecordChange, RecordStore } from '../../broker/record-store.ts';
import type { TestBench } from './bench.ts';

/** The store of a case: that of the broker; for a broker without records, one in this process that forgets nothing. */
export function recordsOf({ broker }: TestBench): RecordStore {
  return broker.records ?? new KeptRecords();
}

/** A record store whose records never end by themselves. */
class KeptRecords implements RecordStore {
  readonly #records = new Map<string, Map<string, Uint8Array>>();

  async read(key: string, fields?: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
    const found = this.#records.get(key) ?? new Map<string, Uint8Array>();
    return new Map([...found].filter(([field]) => fields?.includes(field) ?? true));
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
    const fields = this.#records.get(key) ?? new Map<string, Uint8Array>();
    const textOf = (value: Uint8Array | undefined) => value && Buffer.from(value).toString('latin1');
    for (const [field, value] of expect) {
      if (textOf(fields.get(field)) !== textOf(value)) return { changed: false, added: 0, size: fields.size };
    }
    const fresh = [...add].filter(([field]) => !fields.has(field));
    for (const [field, value] of [...fresh, ...set]) fields.set(field, value);
    for (const field of remove) fields.delete(field);
    if (ttlMs === 0) fields.clear();
    this.#records.set(key, fields);
    return { changed: true, added: fresh.length, size: fields.size };
  }
}
