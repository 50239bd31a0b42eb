import type { Broker, ManagerOptions, TaskManager } from '@brokkr/core';
import type { Inspector } from '@brokkr/core/adapter';
import { UsageError } from '../exit.ts';
import { noteBroker } from '../explain.ts';
import { applySettings } from './apply-settings.ts';
import { closeManagers } from './close-manager.ts';
import { type Core, loadCore } from './load-core.ts';
import { refuseMemory } from './own-process.ts';
import { quietSettings } from './quiet-settings.ts';

/** The part of the core that works with brokers. */
export type Adapter = typeof import('@brokkr/core/adapter');

export interface OpenedBroker {
  readonly core: Core;
  readonly adapter: Adapter;
  /** A manager of this command: the settings of the environment, and no tasks. */
  readonly manager: TaskManager;
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
  const adapter = await import('@brokkr/core/adapter');
  const manager = core.TaskManager.getInstance(`brokkr-cli-${opened++}`);
  applySettings(manager, brokerSettings(url));
  refuseMemory(manager, command, url === undefined ? undefined : 'the given URL');
  try {
    const broker = await manager.broker();
    const { inspector } = broker;
    if (inspector === undefined)
      throw new UsageError(`${command}: this broker has no inspector, so it cannot be inspected`);
    return await use({ core, adapter, manager, broker, inspector });
  } catch (error) {
    noteBroker(error, core.redactUrl(manager.config.brokerUrl));
    throw error;
  } finally {
    await closeManagers(manager);
  }
}

/** Settings of a command that talks to a broker. @param url of `--broker` */
export function brokerSettings(url: string | undefined): ManagerOptions {
  return { ...quietSettings, ...(url === undefined ? {} : { brokerUrl: url }) };
}
