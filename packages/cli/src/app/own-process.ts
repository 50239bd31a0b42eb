import type { TaskManager } from '@brokkr/core';
import { UsageError } from '../exit.ts';

/** Whether the broker is `memory:`, which other processes cannot use. */
export function livesInOneProcess(manager: TaskManager): boolean {
  return manager.config.brokerUrl.startsWith('memory:');
}

/**
 * Refuses a broker that lives in one process, for a command that needs other processes.
 *
 * @param command for the error
 * @param source of the broker's URL
 * @throws UsageError if the broker is `memory:`
 */
export function refuseMemory(manager: TaskManager, command: string, source = 'TASK_BROKER_URL'): void {
  if (!livesInOneProcess(manager)) return;
  throw new UsageError(
    `${command} needs a broker that processes share, such as redis://127.0.0.1:6379; ${source} is ${manager.config.brokerUrl}, which lives in one process`,
  );
}
