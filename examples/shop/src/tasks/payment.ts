import { writeFileSync } from 'node:fs';
import { inFolder } from '../shop.ts';
import { tm } from './manager.ts';

/**
 * Charges a customer once for each transaction, however often the message is delivered: only the first run can create
 * the file of the transaction.
 *
 * Version 1 took euros. Messages that the old code has sent still run: their amounts are converted.
 */
export const chargeCustomer = tm.conditionalTask(
  {
    queueName: 'default',
    maxRetries: 3,
    retryDelay: '200ms',
    version: 2,
    upcast: { 1: ([userId, transactionId, euros]) => [userId, transactionId, Math.round(Number(euros) * 100)] },
  },
  async function chargeCustomer(userId: string, transactionId: string, cents: number): Promise<void> {
    try {
      writeFileSync(inFolder(`charged-${transactionId}.json`), JSON.stringify({ userId, cents }), { flag: 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
      throw error;
    }
  },
);
