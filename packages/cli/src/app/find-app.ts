import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { UsageError } from '../exit.ts';

const USUAL = ['tasks', 'src/tasks'].flatMap((base) => ['ts', 'js', 'mjs'].map((extension) => `${base}.${extension}`));

/**
 * Finds the module that defines the application's tasks: `--app`, then `APP_MODULE`, then `brokkr.app` of package.json,
 * then a file with a usual name.
 *
 * @returns its path
 * @throws UsageError if it is missing, or is a folder
 */
export function findApp(given: string | undefined, folder: string = process.cwd()): string {
  const [name, source] = named(given, folder);
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

function named(given: string | undefined, folder: string): readonly [string | undefined, string] {
  if (given !== undefined) return [given, '--app'];
  const fromEnvironment = process.env.APP_MODULE ?? envFile(folder).APP_MODULE;
  if (fromEnvironment !== undefined && fromEnvironment !== '') return [fromEnvironment, 'APP_MODULE'];
  return [packageJson(folder).brokkr?.app, 'package.json#brokkr.app'];
}

function envFile(folder: string): Readonly<Record<string, string | undefined>> {
  const path = join(folder, '.env');
  return existsSync(path) ? parseEnv(readFileSync(path, 'utf8')) : {};
}

function packageJson(folder: string): { readonly brokkr?: { readonly app?: string } } {
  const path = join(folder, 'package.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { brokkr?: { app?: string } }) : {};
}
