import { execFileSync, spawnSync } from 'node:child_process';

/**
 * Runs promtool, which is part of Debian's package `prometheus`, and installs the package if it is missing.
 *
 * @returns the output, and the exit code: 0 if all is well, 3 for advice
 */
export function promtool(
  args: readonly string[],
  input = '',
): { readonly code: number | null; readonly output: string } {
  let run = spawnSync('promtool', args, { input, encoding: 'utf8' });
  if (run.error !== undefined) {
    execFileSync('apt-get', ['install', '-y', '--no-install-recommends', 'prometheus'], { stdio: 'ignore' });
    run = spawnSync('promtool', args, { input, encoding: 'utf8' });
  }
  if (run.error !== undefined) throw run.error;
  return { code: run.status, output: run.stdout + run.stderr };
}
