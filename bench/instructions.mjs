import { spawnSync } from 'node:child_process';

/**
 * Counts the instructions of a Node process with valgrind: unlike its time, they do not depend on what else the machine
 * does. Code that V8 compiles while it runs is known to valgrind by `--smc-check`.
 */
export function instructionsOf(args, cwd) {
  const tool = ['--tool=cachegrind', '--cache-sim=no', '--cachegrind-out-file=/dev/null', '--smc-check=all-non-file'];
  const node = [process.execPath, '--single-threaded-gc', ...args];
  const { stderr, error } = spawnSync('valgrind', [...tool, ...node], { cwd, encoding: 'utf8' });
  if (error !== undefined) throw new Error(`valgrind cannot be run: ${error.message}`);
  const [, count] = /I +refs: +([\d,]+)/.exec(stderr) ?? [];
  if (count === undefined) throw new Error(`valgrind counted nothing: ${stderr.slice(-500)}`);
  return Number(count.replaceAll(',', ''));
}
