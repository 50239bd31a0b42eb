import type { ManagerOptions, TaskManager } from '@brokkr/core';
import { applySettings } from '../app/apply-settings.ts';
import { checkStores } from '../app/check-stores.ts';
import { closeManagers } from '../app/close-manager.ts';
import { quietSettings } from '../app/quiet-settings.ts';
import { type App, loadApp } from '../app/load-app.ts';
import { type Core, loadCore } from '../app/load-core.ts';
import { type Check, failed } from '../doctor/check.ts';
import { counted } from '../doctor/counted.ts';
import { examineBroker } from '../doctor/examine-broker.ts';
import { examineFeatures } from '../doctor/examine-features.ts';
import { EXIT, UsageError } from '../exit.ts';
import { print, printable, printJson } from '../output.ts';

export interface DoctorOptions {
  readonly app?: string;
  readonly broker?: string;
  readonly json: boolean;
  readonly repair: boolean;
}

/** Checks configuration, application, broker and queues, and prints the results. @returns the exit code */
export async function doctorCommand(options: DoctorOptions): Promise<number> {
  const checks: Check[] = [];
  for await (const check of examine(options)) {
    checks.push(check);
    if (!options.json) print(line(check));
  }
  if (options.json) printJson(checks, 2);
  return exitCode(checks);
}

async function* examine({ app, broker, repair }: DoctorOptions): AsyncIterable<Check> {
  const settings = { ...quietSettings, ...(broker === undefined ? {} : { brokerUrl: broker }) } as const;
  let loaded: App | undefined;
  try {
    loaded = await loadApp(app, settings);
  } catch (error) {
    if (isSettings(error)) {
      yield failed('configuration', error);
      return;
    }
    yield failed('application', error);
  }
  if (loaded !== undefined) {
    const tasks = counted(loaded.manager.tasks().length, 'task');
    yield { about: 'application', severity: 'ok', message: `${loaded.path} defines ${tasks}` };
  }
  // Without an application, the broker of the environment is checked.
  const core = loaded?.core ?? (await loadCore(process.cwd()));
  const manager = loaded?.manager ?? core.TaskManager.getInstance('brokkr-doctor');
  try {
    if (loaded === undefined) await configure(core, manager, settings);
    // Without a connection: a failure is a wrong URL or adapter, or a task that the broker cannot serve.
    const opened = await manager.broker();
    await manager.checkTasks();
    yield { about: 'configuration', severity: 'ok', message: 'every setting is valid' };
    yield await examineFeatures(opened, manager.config);
    yield* examineBroker(core, manager, opened, repair);
  } catch (error) {
    yield failed('configuration', error);
  } finally {
    await closeManagers(manager);
  }
}

async function configure(core: Core, manager: TaskManager, settings: ManagerOptions): Promise<void> {
  applySettings(manager, settings);
  await checkStores(core, manager);
}

function line({ about, severity, code, message }: Check): string {
  return printable(`${severity.padEnd(7)} ${about.padEnd(13)} ${message}${code === undefined ? '' : ` [${code}]`}`);
}

/** 2 for a wrong application or setting, 1 for any other error; warnings do not count. */
function exitCode(checks: readonly Check[]): number {
  const errors = checks.filter(({ severity }) => severity === 'error');
  if (errors.some(({ about }) => about === 'configuration' || about === 'application')) return EXIT.usage;
  return errors.length > 0 ? EXIT.failed : EXIT.fine;
}

/** Whether the settings are wrong, also if the application's module was the first to read them. */
function isSettings(error: unknown): boolean {
  const { cause, name } = error as { cause?: { code?: unknown }; name?: unknown };
  return error instanceof UsageError ? cause?.code === 'SETTINGS_INVALID' : name === 'ConfigError';
}
