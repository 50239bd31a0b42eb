import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UsageError } from '../exit.ts';
import { resolvePackage } from './resolve-package.ts';

export type Core = typeof import('@brokkr/core');

/**
 * Loads the `@brokkr/core` that the application in `folder` uses: only that copy knows its tasks.
 *
 * @throws UsageError if it is not installed, or has another major version
 */
export async function loadCore(folder: string): Promise<Core> {
  const path = resolvePackage(folder, '@brokkr/core');
  checkVersion(path);
  const core = (await import(pathToFileURL(path).href)) as Core;
  // Marks this copy as the one in use, so that an application which brings a second one gets an error with both paths.
  core.TaskManager.all();
  return core;
}

/** Version of this command. */
export function ownVersion(): string {
  return versionIn(join(import.meta.dirname, '..', '..'));
}

function checkVersion(corePath: string): void {
  const core = versionIn(join(dirname(corePath), '..'));
  if (core.split('.')[0] === ownVersion().split('.')[0]) return;
  throw new UsageError(
    `brokkr ${ownVersion()} cannot run an application on @brokkr/core ${core}; install the same major version of both`,
  );
}

function versionIn(folder: string): string {
  return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version;
}
