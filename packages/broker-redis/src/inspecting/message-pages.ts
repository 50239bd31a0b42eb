import {
  type BrowsableState,
  checkQueueName,
  deadLetterQueue,
  type Envelope,
  type Page,
  type PageOptions,
} from '@brokkr/core/adapter';
import { batchSize } from '../batches.ts';
import { decodeEnvelope } from '../envelope-codec.ts';
import type { QueueCalls } from '../queue-calls.ts';
import { page } from '../scripts/page.ts';
import { formatCursor, readCursor } from './page-cursor.ts';

/**
 * Reads one page of messages: at most 500, and about 2 MiB, so that no look stops the server for other clients.
 *
 * @throws ConfigError (`CURSOR_INVALID`) if `after` is not the `next` of a page
 */
export async function messagePage(
  calls: QueueCalls,
  queue: string,
  state: BrowsableState,
  { limit, after, from = 'oldest' }: PageOptions,
): Promise<Page> {
  checkQueueName(queue);
  const cursor = after === undefined ? { position: '', id: '' } : readCursor(after, state === 'ready');
  const args = [state, from, String(batchSize(limit)), cursor.position, cursor.id];
  const [, position, id, ...found] = (await calls.run(page, queue, args)) as readonly (number | Buffer)[];
  const items = [];
  for (let at = 0; at < found.length; at += 3) {
    const envelope = storedEnvelope(calls, queue, state, String(found[at]), found[at + 1] as Buffer);
    items.push(state === 'delayed' ? { envelope, dueAt: Date.now() + (found[at + 2] as number) } : { envelope });
  }
  if (id === undefined || String(position) === '') return { items };
  return { items, next: formatCursor({ position: String(position), id: String(id) }) };
}

/** The envelope of stored bytes, with times of this host's clock. */
export function storedEnvelope(
  calls: QueueCalls,
  queue: string,
  state: BrowsableState | 'running',
  id: string,
  bytes: Buffer,
): Envelope {
  const stored = decodeEnvelope(id, state === 'dead' ? deadLetterQueue(queue) : queue, bytes);
  return calls.serverClock.toLocal(stored);
}
