import { writeFileSync } from 'node:fs';
import { inFolder } from '../shop.ts';
import { tm } from './manager.ts';

/**
 * Charges a customer once for each transaction, however often the message is delivered: only the first run can create
 * the file of the transaction.
 */
export const chargeCustomer = tm.conditionalTask(
  { queueName: 'default', maxRetries: 3, retryDelay: '200ms' },
  async function chargeCustomer(userId: string, transactionId: string, cents: number): Promise<void> {
    try {
      writeFileSync(inFolder(`charged-${transactionId}.json`), JSON.stringify({ userId, cents }), { flag: 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
      throw error;
    }
  },
);
