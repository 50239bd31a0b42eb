import type { Listed, QueueRow } from '../../../src/api/types.ts';
import { ApiError, apiUrl, get } from '../api/client.ts';
import { brokerPath } from './perform.ts';

/** Names of the queues to which letters of a queue can be moved. Without an answer none is suggested. */
export async function otherQueues(queue: string): Promise<readonly string[]> {
  try {
    const { items } = await get<Listed<QueueRow>>(apiUrl(brokerPath('queues')));
    return items.map(({ name }) => name).filter((name) => name !== queue);
  } catch (error) {
    if (error instanceof ApiError) return [];
    throw error;
  }
}
