import { LARGEST_BATCH } from '../batches.ts';
import type { QueueCalls } from '../queue-calls.ts';
import { unplaced } from '../scripts/repair.ts';

/** A line is read twice: one reading may miss a message that a worker claims and releases at the same time. */
const READINGS = 2;

/**
 * Finds the messages of a queue that are stored, and neither ready, delayed nor running: no worker would ever get them.
 * Workers may keep running. Everything is read in pages of 500.
 */
export async function strandedMessages(calls: QueueCalls, queue: string): Promise<readonly string[]> {
  const found = new Set<string>();
  let cursor = '0';
  do {
    const [next, ids] = (await calls.run(unplaced, queue, [cursor])) as unknown as readonly [Buffer, readonly Buffer[]];
    for (const id of ids) found.add(String(id));
    cursor = String(next);
  } while (cursor !== '0');
  for (let reading = 0; reading < READINGS && found.size > 0; reading++) {
    for await (const page of linePages(calls, queue)) for (const id of page) found.delete(id);
  }
  return [...found];
}

/**
 * Reads the ready ids from the tail: while it reads, the line shrinks at its head, which moves no id that is still to
 * be read.
 */
async function* linePages(calls: QueueCalls, queue: string): AsyncGenerator<readonly string[]> {
  const key = calls.keys.ready(queue);
  for (let last = -1; ; last -= LARGEST_BATCH) {
    const from = last - LARGEST_BATCH + 1;
    const page = await calls.callAt(key, 'list', (client) => client.lrange(key, from, last));
    yield page;
    if (page.length < LARGEST_BATCH) return;
  }
}
