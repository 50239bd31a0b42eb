import type { TaskManager } from '@brokkr/core';
import type { SchedulerLike } from '@brokkr/dashboard';
import { applySettings } from '../app/apply-settings.ts';
import { findApp } from '../app/find-app.ts';
import { type App, loadApp } from '../app/load-app.ts';
import { type Core, loadCore } from '../app/load-core.ts';
import { loadSchedulers } from '../app/load-scheduler.ts';
import { brokerSettings } from '../app/open-broker.ts';
import { refuseMemory } from '../app/own-process.ts';
import { UsageError } from '../exit.ts';
import { noteBroker } from '../explain.ts';
import type { NamedUrl } from './dashboard-options.ts';

/** What `brokkr dashboard` shows. */
export interface ShownBrokers {
  /** By their names on the page. */
  readonly managers: Readonly<Record<string, TaskManager>>;
  readonly schedulers: readonly SchedulerLike[];
}

/**
 * Opens the brokers of the URLs. The first one gets the queues and schedules of the application, if there is one: that
 * of `--app`, or for a server that cannot list its queues that of the working folder.
 *
 * @throws UsageError if a broker lives in one process, or the application of `--app` is missing or fails to load
 */
export async function openShown(urls: readonly NamedUrl[], app: string | undefined): Promise<ShownBrokers> {
  const core = await loadCore(process.cwd());
  const managers: Record<string, TaskManager> = {};
  let loaded: App | undefined;
  for (const [index, { name, url }] of urls.entries()) {
    let manager = managerFor(core, index, url);
    refuseMemory(manager, 'brokkr dashboard', url === undefined ? undefined : '--url');
    await checkInspector(core, manager);
    if (index === 0) {
      loaded = await applicationOf(manager, url, app);
      manager = loaded?.manager ?? manager;
    }
    managers[freeName(name ?? kindOf(manager.config.brokerUrl), managers)] = manager;
  }
  return { managers, schedulers: loaded === undefined ? [] : await schedulersOf(loaded) };
}

function managerFor(core: Core, index: number, url: string | undefined): TaskManager {
  const manager = core.TaskManager.getInstance(`brokkr-dashboard-${index}`);
  applySettings(manager, brokerSettings(url));
  return manager;
}

async function checkInspector(core: Core, manager: TaskManager): Promise<void> {
  try {
    if ((await manager.broker()).inspector !== undefined) return;
  } catch (error) {
    noteBroker(error, core.redactUrl(manager.config.brokerUrl));
    throw error;
  }
  throw new UsageError('brokkr dashboard: this broker has no inspector, so it cannot be looked into');
}

async function applicationOf(
  manager: TaskManager,
  url: string | undefined,
  app: string | undefined,
): Promise<App | undefined> {
  const listsQueues = (await manager.broker()).capabilities.counts === 'exact';
  if (app === undefined && (listsQueues || !(await isThereAnApp()))) return undefined;
  return loadApp(app, brokerSettings(url));
}

async function isThereAnApp(): Promise<boolean> {
  return findApp(undefined).then(
    () => true,
    () => false,
  );
}

/** An application need not have schedules. */
async function schedulersOf(app: App): Promise<readonly SchedulerLike[]> {
  try {
    return await loadSchedulers(app, brokerSettings(undefined));
  } catch (error) {
    if (error instanceof UsageError) return [];
    throw error;
  }
}

const KINDS: Readonly<Record<string, string>> = { rediss: 'redis', amqp: 'rabbitmq', amqps: 'rabbitmq' };

function kindOf(url: string): string {
  const scheme = /^[a-z][a-z0-9]{0,30}/i.exec(url)?.[0].toLowerCase() ?? 'broker';
  return KINDS[scheme] ?? scheme;
}

function freeName(name: string, taken: Readonly<Record<string, unknown>>): string {
  let free = name;
  for (let number = 2; Object.hasOwn(taken, free); number++) free = `${name}-${number}`;
  return free;
}
