import type { ManagerOptions, TaskManager } from '@brokkr/core';
import type { Core } from './load-core.ts';

/**
 * Applies `options` over those of the application and the environment. The log level of a command is applied last, so
 * that it does not hide a wrong `LOG_LEVEL`.
 *
 * @throws ConfigError listing every wrong value
 */
export function applySettings(manager: TaskManager, { logLevel, ...options }: ManagerOptions): void {
  manager.configure(options);
  if (logLevel !== undefined) manager.configure({ logLevel });
}

/**
 * Checks `TASK_RESULT_URL` without a connection. Otherwise a wrong value would show only when the first result is stored.
 *
 * @throws ConfigError if no adapter knows its scheme; if tasks keep results, also if its adapter refuses the URL, or its
 * broker stores no results
 */
export async function checkResultStore(core: Core, manager: TaskManager): Promise<void> {
  const { resultUrl, brokerUrl, brokerPackage } = manager.config;
  if (resultUrl === undefined || resultUrl === brokerUrl) return;
  const keepsResults = manager.tasks().some(({ resultTtlMs }) => resultTtlMs !== undefined);
  try {
    const broker = core.createBroker(resultUrl, { brokerPackage });
    // A memory broker is shared by its name, so closing it would close the application's.
    const isOpened = keepsResults && !resultUrl.startsWith('memory:');
    const isStore = !isOpened || (await core.openBroker(broker)).results !== undefined;
    await broker.close();
    if (!isStore) throw new core.ConfigError('this broker keeps no results', { code: 'RESULT_STORE_MISSING' });
  } catch (cause) {
    const { name, message, code } = cause as Error & { code: string };
    throw name === 'ConfigError' ? new core.ConfigError(`TASK_RESULT_URL: ${message}`, { code, cause }) : cause;
  }
}
