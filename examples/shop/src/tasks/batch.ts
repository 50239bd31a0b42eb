import { writeFile } from 'node:fs/promises';
import { customers } from '../customers.ts';
import { inFolder } from '../shop.ts';
import { tm } from './manager.ts';

/** One task for many items: each customer gets a letter. */
export const writeLetters = tm.conditionalTask(
  { queueName: 'default', maxRetries: 2, retryDelay: '200ms' },
  async function writeLetters(batchId: string, userIds: readonly string[]): Promise<void> {
    for (const userId of userIds) {
      const user = customers.get(userId);
      // Each run writes the same file, so a repeated batch changes nothing.
      if (user !== undefined)
        await writeFile(inFolder(`${batchId}-${userId}.txt`), `Dear ${user.name},\nthe sale begins on Monday.\n`);
    }
  },
);
