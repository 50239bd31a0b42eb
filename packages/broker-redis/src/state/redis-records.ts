import { checkChanges, checkRead, type RecordAnswer, type RecordChange, type RecordStore } from '@brokkr/core/adapter';
import type { QueueCalls } from '../queue-calls.ts';
import { changeRecord, readRecord } from '../scripts/records.ts';

/** Records, each in one hash that expires: every change is one script on one key. */
export class RedisRecords implements RecordStore {
  readonly #calls: QueueCalls;

  constructor(calls: QueueCalls) {
    this.#calls = calls;
  }

  async read(key: string, fields?: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
    checkRead(key, fields);
    if (fields?.length === 0) return new Map();
    const answer = await this.#calls.runAt(readRecord, this.#calls.keys.record(key), fields ?? []);
    const pairs = answer as readonly Buffer[];
    const found = new Map<string, Uint8Array>();
    for (let at = 0; at < pairs.length; at += 2) found.set(String(pairs[at]), pairs[at + 1] as Buffer);
    return found;
  }

  async change(changes: readonly RecordChange[]): Promise<readonly RecordAnswer[]> {
    checkChanges(changes);
    return Promise.all(changes.map((change) => this.#change(change)));
  }

  async #change(change: RecordChange): Promise<RecordAnswer> {
    const key = this.#calls.keys.record(change.key);
    const answer = await this.#calls.runAt(changeRecord, key, argumentsOf(change));
    const [changed, added, size] = answer as readonly [number, number, number];
    return { changed: changed === 1, added, size };
  }
}

function argumentsOf({ expect, add, set, remove = [], ttlMs }: RecordChange): (string | Buffer)[] {
  const args: (string | Buffer)[] = [String(Math.ceil(ttlMs))];
  for (const size of [expect?.size ?? 0, add?.size ?? 0, set?.size ?? 0, remove.length]) args.push(String(size));
  for (const [field, value] of expect ?? []) {
    args.push(field, value === undefined ? '0' : '1', value === undefined ? '' : bytesOf(value));
  }
  for (const fields of [add, set]) for (const [field, value] of fields ?? []) args.push(field, bytesOf(value));
  args.push(...remove);
  return args;
}

/** The same bytes as the client takes them. */
function bytesOf(value: Uint8Array): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
