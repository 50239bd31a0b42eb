import { dirname } from 'node:path';
import type { ManagerOptions, TaskManager } from '@brokkr/core';
import { UsageError } from '../exit.ts';
import { applySettings } from './apply-settings.ts';
import { checkStores } from './check-stores.ts';
import { closeManagers } from './close-manager.ts';
import { findApp } from './find-app.ts';
import { importModule } from './import-module.ts';
import { type Core, loadCore } from './load-core.ts';

export interface App {
  readonly core: Core;
  readonly path: string;
  /** The manager that defines its tasks. */
  readonly manager: TaskManager;
}

/** Name of the manager of `TaskManager.getInstance()`. */
const DEFAULT = 'default';

type Choose = (managers: readonly TaskManager[], path: string) => TaskManager;

/**
 * Loads the application, also one in TypeScript, and applies `options` over its own.
 *
 * @param choose selects the manager, of those that have tasks
 * @throws UsageError if it is missing, fails to load, or defines no task; ConfigError for wrong settings
 */
export async function loadApp(
  given: string | undefined,
  options: ManagerOptions,
  choose: Choose = mainManager,
): Promise<App> {
  const path = await findApp(given);
  const core = await loadCore(dirname(path));
  try {
    await importModule(path);
  } catch (cause) {
    throw new UsageError(`the application ${path} failed to load`, { cause });
  }
  const manager = choose(managersWithTasks(core, path), path);
  applySettings(manager, options);
  await checkStores(core, manager);
  return { core, path, manager };
}

/** Closes every task manager of the application. */
export async function closeApp({ core }: App): Promise<void> {
  await closeManagers(...core.TaskManager.all());
}

function managersWithTasks({ TaskManager }: Core, path: string): readonly TaskManager[] {
  const managers = TaskManager.all().filter((manager) => manager.tasks().length > 0);
  if (managers.length > 0) return managers;
  throw new UsageError(`the application ${path} defines no task; does it import the modules that do?`);
}

/** The default manager; if it has no tasks, the only one that has. */
function mainManager(managers: readonly TaskManager[], path: string): TaskManager {
  const manager = managers.find(({ name }) => name === DEFAULT) ?? only(managers);
  if (manager !== undefined) return manager;
  throw new UsageError(
    `the application ${path} has several task managers (${namesOf(managers)}) and none of them is the default one; define the tasks with one manager`,
  );
}

/**
 * Selects the manager of that name; without a name, the only one. A worker serves one manager: the tasks of another in its
 * queues are unknown to it, and would become dead letters.
 *
 * @throws UsageError if there are several, and no name was given
 */
export function managerToServe(name: string | undefined): Choose {
  return (managers, path) => {
    const manager = name === undefined ? only(managers) : managers.find((each) => each.name === name);
    if (manager !== undefined) return manager;
    const names = namesOf(managers);
    throw new UsageError(
      name === undefined
        ? `the application ${path} has several task managers (${names}), and a worker serves one; run one for each with --manager, and give managers that share a broker different queues`
        : `no task manager ${name} with tasks in ${path}; it has ${names}`,
    );
  };
}

function only(managers: readonly TaskManager[]): TaskManager | undefined {
  return managers.length === 1 ? managers[0] : undefined;
}

function namesOf(managers: readonly TaskManager[]): string {
  return managers.map(({ name }) => name).join(', ');
}
