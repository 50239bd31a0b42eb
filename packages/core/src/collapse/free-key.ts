import type { RecordChange, RecordStore } from '../broker/record-store.ts';
import { type JoinMark, joinRecord } from './join-record.ts';

/** Frees the key of a unique message, if it still belongs to it. @param id of the message */
export async function freeKey(records: RecordStore, id: string, mark: JoinMark): Promise<void> {
  await records.change([freeingChange(id, mark)]);
}

/** The change that frees the key of a unique message, if it still belongs to it. @param id of the message */
export function freeingChange(id: string, { digest }: JoinMark): RecordChange {
  return { key: joinRecord(digest), expect: new Map([['owner', Buffer.from(id)]]), ttlMs: 0 };
}
