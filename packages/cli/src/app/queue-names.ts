import { findApp } from './find-app.ts';
import { quietSettings } from './quiet-settings.ts';
import { PROBE_QUEUE } from './is-one-place.ts';
import { loadApp } from './load-app.ts';
import type { OpenedBroker } from './open-broker.ts';

/**
 * The queues of a broker, by name; where its server cannot list them, those of the application's tasks.
 * @param app the application's module; without it the one in the working folder, if there is one
 * @throws UsageError where the one given is not there, though its tasks may not be needed
 */
export async function queueNames(
  { broker, inspector }: OpenedBroker,
  app: string | undefined,
): Promise<readonly string[]> {
  if (app !== undefined) findApp(app);
  const listed = (await inspector.queues()).filter((queue) => queue !== PROBE_QUEUE);
  if (broker.capabilities.counts === 'exact' || (app === undefined && !isThereAnApp())) return listed.sort();
  const { manager } = await loadApp(app, quietSettings);
  const { queueName } = manager.config;
  const named = manager.tasks().map((task) => task.queueName ?? queueName);
  return [...new Set([...listed, ...named])].sort();
}

function isThereAnApp(): boolean {
  try {
    findApp(undefined);
    return true;
  } catch {
    return false;
  }
}
