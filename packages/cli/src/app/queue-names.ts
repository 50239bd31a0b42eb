import { findApp } from './find-app.ts';
import { quietSettings } from './quiet-settings.ts';
import { PROBE_QUEUE } from './is-one-place.ts';
import { loadApp } from './load-app.ts';
import type { OpenedBroker } from './open-broker.ts';

/**
 * Lists the queues of a broker by name. If its server cannot list them, those of the application's tasks are added.
 *
 * @param app the application's module; without it the one in the working folder, if there is one
 * @throws UsageError if the given application is missing, even if it is not needed
 */
export async function queueNames(
  { broker, inspector }: OpenedBroker,
  app: string | undefined,
): Promise<readonly string[]> {
  if (app !== undefined) await findApp(app);
  const listed = (await inspector.queues()).filter((queue) => queue !== PROBE_QUEUE);
  if (broker.capabilities.counts === 'exact' || (app === undefined && !(await isThereAnApp()))) return listed.sort();
  const { manager } = await loadApp(app, quietSettings);
  const { queueName } = manager.config;
  const named = manager.tasks().map((task) => task.queueName ?? queueName);
  return [...new Set([...listed, ...named])].sort();
}

async function isThereAnApp(): Promise<boolean> {
  try {
    await findApp(undefined);
    return true;
  } catch {
    return false;
  }
}
