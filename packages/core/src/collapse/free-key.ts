import type { RecordStore } from '../broker/record-store.ts';
import { type JoinMark, joinRecord } from './join-record.ts';

/** Frees the key of a unique message, if it still belongs to it. @param id of the message */
export async function freeKey(records: RecordStore, id: string, { digest }: JoinMark): Promise<void> {
  const expect = new Map([['owner', Buffer.from(id)]]);
  await records.change([{ key: joinRecord(digest), expect, ttlMs: 0 }]);
}
