import { dirname, extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ManagerOptions, TaskManager } from '@brokkr/core';
import { UsageError } from '../exit.ts';
import { findApp } from './find-app.ts';
import { type Core, loadCore } from './load-core.ts';

export interface App {
  readonly core: Core;
  readonly path: string;
  /** The manager that its tasks are defined with. */
  readonly manager: TaskManager;
}

/**
 * Loads the application, TypeScript as it is, and puts `options` in force over its own.
 * @throws UsageError where it is missing, fails to load, or defines no task; ConfigError for wrong settings
 */
export async function loadApp(given: string | undefined, options: ManagerOptions): Promise<App> {
  const path = findApp(given);
  const core = await loadCore(dirname(path));
  try {
    await importModule(path);
  } catch (cause) {
    throw new UsageError(`the application ${path} failed to load`, { cause });
  }
  const manager = managerWithTasks(core, path);
  await manager.initialize(options);
  return { core, path, manager };
}

/** Node 20 cannot load TypeScript; later versions can load most of it, and are asked first. */
async function importModule(path: string): Promise<void> {
  if (!['.ts', '.mts', '.cts'].includes(extname(path))) {
    await import(pathToFileURL(path).href);
    return;
  }
  const { createJiti } = await import('jiti');
  await createJiti(import.meta.url, { tryNative: true }).import(path);
}

/** The default manager; where it has no tasks, the one that has. */
function managerWithTasks({ TaskManager }: Core, path: string): TaskManager {
  const manager = TaskManager.getInstance();
  if (manager.tasks().length > 0) return manager;
  const others = TaskManager.all().filter((other) => other.tasks().length > 0);
  if (others[0] !== undefined && others.length === 1) return others[0];
  if (others.length === 0)
    throw new UsageError(`the application ${path} defines no task; does it import the modules that do?`);
  const names = others.map((other) => other.name).join(', ');
  throw new UsageError(
    `the application ${path} has several task managers (${names}) and no default one; give the tasks to one of them`,
  );
}
