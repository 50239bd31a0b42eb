import type { TaskManager } from '@brokkr/core';
import { UsageError } from '../exit.ts';

/**
 * A broker that lives in one process cannot be shared with another.
 * @throws UsageError naming what was asked for
 */
export function refuseMemory(manager: TaskManager, what: string): void {
  if (!manager.config.brokerUrl.startsWith('memory:')) return;
  throw new UsageError(
    `${what} needs a broker that processes share; TASK_BROKER_URL is ${manager.config.brokerUrl}, which lives in one process`,
  );
}
