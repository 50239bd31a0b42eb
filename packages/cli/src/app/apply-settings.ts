import type { ManagerOptions, TaskManager } from '@brokkr/core';
import type { Core } from './load-core.ts';

/**
 * Puts `options` in force over those of the application and the environment. A level that a command logs at for its
 * own sake does not hide that `LOG_LEVEL` is wrong.
 * @throws ConfigError listing every wrong value
 */
export function applySettings(manager: TaskManager, { logLevel, ...options }: ManagerOptions): void {
  manager.configure(options);
  if (logLevel !== undefined) manager.configure({ logLevel });
}

/**
 * Results may not be needed before a worker is long at work: whether `TASK_RESULT_URL` can hold them is found here, and
 * nothing is connected to.
 * @throws ConfigError where nobody knows its scheme; where tasks keep results, also where no adapter can read it, or
 * its broker keeps none
 */
export async function checkResultStore(core: Core, manager: TaskManager): Promise<void> {
  const { resultUrl, brokerUrl, brokerPackage } = manager.config;
  if (resultUrl === undefined || resultUrl === brokerUrl) return;
  const keepsResults = manager.tasks().some(({ resultTtlMs }) => resultTtlMs !== undefined);
  try {
    const broker = core.createBroker(resultUrl, { brokerPackage });
    // What is in memory may be shared by name, and is not for us to close.
    const isOpened = keepsResults && !resultUrl.startsWith('memory:');
    const isStore = !isOpened || 'storeResult' in (await core.openBroker(broker));
    await broker.close();
    if (!isStore) throw new core.ConfigError('this broker keeps no results', { code: 'RESULT_STORE_MISSING' });
  } catch (cause) {
    const { name, message, code } = cause as Error & { code: string };
    throw name === 'ConfigError' ? new core.ConfigError(`TASK_RESULT_URL: ${message}`, { code, cause }) : cause;
  }
}
