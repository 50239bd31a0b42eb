import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UsageError } from '../exit.ts';

const USUAL = ['tasks', 'src/tasks'].flatMap((base) => ['ts', 'js', 'mjs'].map((extension) => `${base}.${extension}`));

/**
 * Finds the module that defines the application's tasks: `--app`, then `APP_MODULE`, then `brokkr.app` of package.json,
 * then a file with a usual name.
 *
 * @returns its path
 * @throws UsageError if it is missing, or is a folder
 * @throws ConfigError (`ENV_FILE_UNREADABLE`) if `.env` cannot be read
 */
export async function findApp(given: string | undefined, folder: string = process.cwd()): Promise<string> {
  const [name, source] = await named(given, folder);
  if (name !== undefined) {
    const path = resolve(folder, name);
    if (!existsSync(path)) throw new UsageError(`no application at ${path} (from ${source})`);
    if (!statSync(path).isDirectory()) return path;
    throw new UsageError(`${path} (from ${source}) is a folder; name the module in it that defines the tasks`);
  }
  const found = USUAL.map((usual) => join(folder, usual)).find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new UsageError(
    `no application found in ${folder}: give --app, set APP_MODULE or package.json#brokkr.app, or name it ${USUAL.join(', ')}`,
  );
}

async function named(given: string | undefined, folder: string): Promise<readonly [string | undefined, string]> {
  if (given !== undefined) return [given, '--app'];
  // Any copy of the core reads `.env` the same way: the application's own copy is found from the path of its module.
  const { readEnvironment } = await import('@brokkr/core/adapter');
  const fromEnvironment = readEnvironment(folder).APP_MODULE;
  if (fromEnvironment !== undefined && fromEnvironment !== '') return [fromEnvironment, 'APP_MODULE'];
  return [packageJson(folder).brokkr?.app, 'package.json#brokkr.app'];
}

function packageJson(folder: string): { readonly brokkr?: { readonly app?: string } } {
  const path = join(folder, 'package.json');
  if (!existsSync(path)) return {};
  try {
    // npm accepts a byte order mark, JSON.parse does not.
    return JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, '')) as { brokkr?: { app?: string } };
  } catch (cause) {
    throw new UsageError(`${path} is not valid JSON`, { cause });
  }
}
