import { deadLetterQueue, type Envelope, type PeekState } from '@brokkr/core/adapter';
import { LARGEST_BATCH } from '../batches.ts';
import { decodeEnvelope } from '../envelope-codec.ts';
import type { QueueCalls } from '../queue-calls.ts';
import { peek } from '../scripts/inspect.ts';

export interface LookedAt {
  readonly envelope: Envelope;
  /** Milliseconds that a delayed message still has to wait; 0 for others. */
  readonly waitMs: number;
}

export interface Page {
  /** Ids on the page. There may be more of them than messages, if another client deleted messages. */
  readonly size: number;
  readonly messages: readonly LookedAt[];
}

/** Reads one page of messages: at most 500, so that no look stops the server for other clients. */
export async function messagePage(
  calls: QueueCalls,
  queue: string,
  state: PeekState,
  { from, limit }: { readonly from: number; readonly limit: number },
): Promise<Page> {
  const args = [state, String(from), String(Math.min(limit, LARGEST_BATCH))];
  const [size, ...answer] = (await calls.run(peek, queue, args)) as readonly (number | Buffer)[];
  const holder = state === 'dead' ? deadLetterQueue(queue) : queue;
  const messages: LookedAt[] = [];
  for (let at = 0; at < answer.length; at += 3) {
    const stored = decodeEnvelope(String(answer[at]), holder, answer[at + 1] as Buffer);
    messages.push({ envelope: calls.serverClock.toLocal(stored), waitMs: answer[at + 2] as number });
  }
  return { size: size as number, messages };
}
