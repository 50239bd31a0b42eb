import { checkQueueName } from '@brokkr/core/adapter';
import { LARGEST_BATCH } from '../batches.ts';
import type { QueueCalls } from '../queue-calls.ts';

export interface QueueNames {
  readonly valid: readonly string[];
  /** Entries of other clients, which no queue can have as its name. */
  readonly invalid: readonly string[];
}

/** Reads the list of queues, page by page. */
export async function queueNames(calls: QueueCalls): Promise<QueueNames> {
  const names = new Set<string>();
  let cursor = '0';
  do {
    const [next, page] = await calls.callAt(calls.keys.queues, 'set', (client) =>
      client.sscan(calls.keys.queues, cursor, 'COUNT', LARGEST_BATCH),
    );
    for (const name of page) names.add(name);
    cursor = next;
  } while (cursor !== '0');
  const valid = [...names].filter(isQueueName);
  return { valid, invalid: [...names].filter((name) => !isQueueName(name)) };
}

export function isQueueName(name: string): boolean {
  try {
    checkQueueName(name);
    return true;
  } catch {
    return false;
  }
}
