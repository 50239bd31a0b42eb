import type { TaskManager } from '@brokkr/core';
import type { Core } from './load-core.ts';

/**
 * Checks `TASK_RESULT_URL` and `TASK_STORE_URL` without a connection. Otherwise a wrong value would show only when the first
 * result or record is stored.
 *
 * @throws ConfigError if no adapter knows its scheme, or its adapter refuses the URL; if tasks keep results, also if the
 * broker of `TASK_RESULT_URL` stores none
 */
export async function checkStores(core: Core, manager: TaskManager): Promise<void> {
  const { resultUrl, storeUrl, brokerUrl } = manager.config;
  const keepsResults = manager.tasks().some(({ resultTtlMs }) => resultTtlMs !== undefined);
  if (resultUrl !== undefined && resultUrl !== brokerUrl)
    await check(core, manager, 'TASK_RESULT_URL', resultUrl, keepsResults ? ['results'] : undefined);
  if (storeUrl !== undefined && storeUrl !== brokerUrl)
    await check(core, manager, 'TASK_STORE_URL', storeUrl, ['records', 'results']);
}

/** @param parts the broker must have one of them; `undefined`: its adapter is not loaded */
async function check(
  core: Core,
  { config: { brokerPackage } }: TaskManager,
  variable: string,
  url: string,
  parts: readonly ('records' | 'results')[] | undefined,
): Promise<void> {
  try {
    const broker = core.createBroker(url, { brokerPackage });
    // A memory broker is shared by its name, so closing it would close the application's.
    const opened = parts === undefined || url.startsWith('memory:') ? undefined : await core.openBroker(broker);
    const isStore = opened === undefined || parts?.some((part) => opened[part] !== undefined);
    await broker.close();
    if (isStore) return;
    throw parts?.length === 1
      ? new core.ConfigError('this broker keeps no results', { code: 'RESULT_STORE_MISSING' })
      : new core.ConfigError('this broker is no store: it keeps neither records nor results', {
          code: 'STORE_MISSING',
        });
  } catch (cause) {
    const { name, message, code } = cause as Error & { code: string };
    throw name === 'ConfigError' ? new core.ConfigError(`${variable}: ${message}`, { code, cause }) : cause;
  }
}
