import type { Broker } from '@brokkr/core';
import type { Inspector } from '@brokkr/core/adapter';
import { UsageError } from '../exit.ts';
import { applySettings } from './apply-settings.ts';
import { type Core, loadCore } from './load-core.ts';
import { quietSettings } from './quiet-settings.ts';
import { refuseMemory } from './own-process.ts';

export interface OpenedBroker {
  readonly core: Core;
  readonly broker: Broker;
  readonly inspector: Inspector;
}

let opened = 0;

/**
 * Runs `use` with the broker of `url`, else of TASK_BROKER_URL, and closes it. No application is needed.
 * @throws UsageError where it lives in one process, or cannot be looked into
 */
export async function withBroker<T>(
  url: string | undefined,
  what: string,
  use: (opened: OpenedBroker) => Promise<T>,
): Promise<T> {
  const core = await loadCore(process.cwd());
  const manager = core.TaskManager.getInstance(`brokkr-cli-${opened++}`);
  applySettings(manager, { ...quietSettings, ...(url === undefined ? {} : { brokerUrl: url }) });
  refuseMemory(manager, what, url === undefined ? undefined : 'the one given');
  try {
    const broker = await manager.broker();
    const { inspector } = broker;
    if (inspector === undefined)
      throw new UsageError(`${what}: this broker has no inspector, so it cannot be looked into`);
    return await use({ core, broker, inspector });
  } finally {
    await manager.close();
  }
}
