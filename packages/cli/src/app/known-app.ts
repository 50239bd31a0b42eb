import type { TaskManager } from '@brokkr/core';
import { findApp } from './find-app.ts';
import type { Adapter } from './open-broker.ts';
import { type App, loadApp } from './load-app.ts';
import { queuesOf } from './queues-of.ts';
import { quietSettings } from './quiet-settings.ts';

const loaded = new Map<string, Promise<App | undefined>>();

/**
 * The manager of the application, for its names; it is loaded once. A command that works without an application uses it.
 *
 * @param app the application's module; without it the one in the working folder
 * @returns `undefined` if no application was given and the working folder has no application
 * @throws UsageError if the application that was given is missing, or an application fails to load
 */
export async function knownApp(app: string | undefined): Promise<TaskManager | undefined> {
  return (await loadOnce(app))?.manager;
}

function loadOnce(app: string | undefined): Promise<App | undefined> {
  const key = app ?? '';
  const known = loaded.get(key) ?? load(app);
  loaded.set(key, known);
  return known;
}

async function load(app: string | undefined): Promise<App | undefined> {
  if (app === undefined && !(await isThereAnApp())) return undefined;
  return loadApp(app, quietSettings);
}

async function isThereAnApp(): Promise<boolean> {
  try {
    await findApp(undefined);
    return true;
  } catch {
    return false;
  }
}

/** The queues of the application's tasks, with their lanes; none if there is no application. */
export async function applicationQueues(adapter: Adapter, app: string | undefined): Promise<readonly string[]> {
  const manager = await knownApp(app);
  if (manager === undefined) return [];
  const { config } = manager;
  const ranked = manager.tasks().filter(({ priorities }) => priorities);
  const lanes = ranked.flatMap(({ queueName }) => adapter.laneNames(queueName ?? config.queueName));
  return [...new Set([...queuesOf(manager), ...lanes])];
}

/** The names of the application's tasks; none if there is no application. */
export async function applicationTasks(app: string | undefined): Promise<readonly string[]> {
  return ((await knownApp(app))?.tasks() ?? []).map(({ name }) => name);
}

/** The names of the limits that the managers of the application define; none if there is no application. */
export async function applicationLimits(app: string | undefined): Promise<readonly string[]> {
  const managers = (await loadOnce(app))?.core.TaskManager.all() ?? [];
  return [...new Set(managers.flatMap((manager) => manager.limits().names()))];
}
