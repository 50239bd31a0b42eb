import type { Broker } from '@brokkr/core';
import type { Inspector } from '@brokkr/core/adapter';
import { UsageError } from '../exit.ts';
import { noteBroker } from '../explain.ts';
import { applySettings } from './apply-settings.ts';
import { closeManagers } from './close-manager.ts';
import { type Core, loadCore } from './load-core.ts';
import { refuseMemory } from './own-process.ts';
import { quietSettings } from './quiet-settings.ts';

export interface OpenedBroker {
  readonly core: Core;
  readonly broker: Broker;
  readonly inspector: Inspector;
}

let opened = 0;

/**
 * Runs `use` with the broker of `url`, or of `TASK_BROKER_URL`, and closes it. No application is needed.
 *
 * @param command for errors
 * @throws UsageError if the broker lives in one process, or cannot be inspected
 */
export async function withBroker<T>(
  url: string | undefined,
  command: string,
  use: (opened: OpenedBroker) => Promise<T>,
): Promise<T> {
  const core = await loadCore(process.cwd());
  const manager = core.TaskManager.getInstance(`brokkr-cli-${opened++}`);
  applySettings(manager, { ...quietSettings, ...(url === undefined ? {} : { brokerUrl: url }) });
  refuseMemory(manager, command, url === undefined ? undefined : 'the given URL');
  try {
    const broker = await manager.broker();
    const { inspector } = broker;
    if (inspector === undefined)
      throw new UsageError(`${command}: this broker has no inspector, so it cannot be inspected`);
    return await use({ core, broker, inspector });
  } catch (error) {
    noteBroker(error, core.redactUrl(manager.config.brokerUrl));
    throw error;
  } finally {
    await closeManagers(manager);
  }
}
