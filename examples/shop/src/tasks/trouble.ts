import { setTimeout as sleep } from 'node:timers/promises';
import { currentTask, PermanentError } from '@brokkr/core';
import { tm } from './manager.ts';

/** A partner whose API answers only at the third try. */
export const syncInventory = tm.conditionalTask(
  { queueName: 'default', maxRetries: 3, retryDelay: '100ms' },
  async function syncInventory(partner: string): Promise<void> {
    const { attempt } = currentTask();
    if (attempt < 3) throw new Error(`${partner} does not answer (attempt ${attempt})`);
  },
);

/** An order that does not exist will not exist later either: no retry, the message becomes a dead letter. */
export const shipOrder = tm.conditionalTask(
  { queueName: 'default', maxRetries: 5 },
  async function shipOrder(orderId: string): Promise<void> {
    throw new PermanentError(`order ${orderId} does not exist`);
  },
);

/** Takes longer than its timeout, and stops when its signal aborts. */
export const renderVideo = tm.conditionalTask(
  { queueName: 'default', maxRetries: 0, timeout: '300ms' },
  async function renderVideo(_videoId: string): Promise<void> {
    await sleep(60_000, undefined, { signal: currentTask().signal });
  },
);
