import { applySettings, checkResultStore } from '../app/apply-settings.ts';
import { quietSettings } from '../app/quiet-settings.ts';
import { type App, loadApp } from '../app/load-app.ts';
import { loadCore } from '../app/load-core.ts';
import { type Check, failed } from '../doctor/check.ts';
import { examineBroker } from '../doctor/examine-broker.ts';
import { EXIT, UsageError } from '../exit.ts';
import { printable } from '../explain.ts';

export interface DoctorOptions {
  readonly app?: string;
  readonly broker?: string;
  readonly json: boolean;
}

/** Configuration, application, broker and queues: prints what is found, and resolves with the exit code. */
export async function doctorCommand(options: DoctorOptions): Promise<number> {
  const checks: Check[] = [];
  for await (const check of examine(options)) {
    checks.push(check);
    if (!options.json) console.log(line(check));
  }
  if (options.json) console.log(JSON.stringify(checks, null, 2));
  return exitCode(checks);
}

async function* examine({ app, broker }: DoctorOptions): AsyncIterable<Check> {
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
    const tasks = loaded.manager.tasks().length;
    yield { about: 'application', severity: 'ok', message: `${loaded.path} defines ${tasks} tasks` };
  }
  // Without an application the broker of the environment is looked at all the same.
  const core = loaded?.core ?? (await loadCore(process.cwd()));
  const manager = loaded?.manager ?? core.TaskManager.getInstance('brokkr-doctor');
  try {
    if (loaded === undefined) {
      applySettings(manager, settings);
      await checkResultStore(core, manager);
    }
    // Connects to nothing: where it fails, the URL is wrong, or the adapter is.
    const opened = await manager.broker();
    yield { about: 'configuration', severity: 'ok', message: 'every setting can be read' };
    yield* examineBroker(core, manager, opened);
  } catch (error) {
    yield failed('configuration', error);
  } finally {
    await manager.close();
  }
}

function line({ about, severity, code, message }: Check): string {
  return printable(`${severity.padEnd(7)} ${about.padEnd(13)} ${message}${code === undefined ? '' : ` [${code}]`}`);
}

/** A wrong application or setting is wrong usage; whatever else is an error has failed; a warning is for people. */
function exitCode(checks: readonly Check[]): number {
  const errors = checks.filter(({ severity }) => severity === 'error');
  if (errors.some(({ about }) => about !== 'broker')) return EXIT.usage;
  return errors.length > 0 ? EXIT.failed : EXIT.fine;
}

/** Also where the application's module found them first. */
function isSettings(error: unknown): boolean {
  const { cause, name } = error as { cause?: { code?: unknown }; name?: unknown };
  return error instanceof UsageError ? cause?.code === 'SETTINGS_INVALID' : name === 'ConfigError';
}
