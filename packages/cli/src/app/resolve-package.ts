import { createRequire } from 'node:module';
import { join } from 'node:path';
import { UsageError } from '../exit.ts';

/**
 * The file of a package as the application in `folder` has it installed: never a copy of this command's own.
 * @throws UsageError if it is not installed, with the command that installs it
 */
export function resolvePackage(folder: string, name: string): string {
  try {
    return createRequire(join(folder, 'package.json')).resolve(name);
  } catch {
    throw new UsageError(`no ${name} in ${folder}; install it where the application is: npm install ${name}`);
  }
}
