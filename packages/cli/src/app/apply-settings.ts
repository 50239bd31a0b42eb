import type { ManagerOptions, TaskManager } from '@brokkr/core';

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
