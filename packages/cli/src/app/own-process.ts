import type { TaskManager } from '@brokkr/core';
import { UsageError } from '../exit.ts';

/**
 * A broker that lives in one process cannot be shared with another.
 * @param source where its URL comes from
 * @throws UsageError naming what was asked for
 */
export function refuseMemory(manager: TaskManager, what: string, source = 'TASK_BROKER_URL'): void {
  if (!manager.config.brokerUrl.startsWith('memory:')) return;
  throw new UsageError(
    `${what} needs a broker that processes share; ${source} is ${manager.config.brokerUrl}, which lives in one process`,
  );
}
