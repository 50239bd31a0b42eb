import { CommanderError } from 'commander';
import { EXIT, UsageError } from './exit.ts';
import { makeProgram } from './program.ts';
import { explain } from './explain.ts';

/**
 * Runs one command line.
 * @param args without node and the script
 * @returns the exit code: 0 fine, 1 failed, 2 wrong usage or configuration
 */
export async function main(args: readonly string[]): Promise<number> {
  let code: number = EXIT.fine;
  const program = makeProgram((exit) => {
    code = exit;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    // Commander has said what is wrong, or printed the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.usage;
    process.stderr.write(`${explain(error)}\n`);
    return error instanceof UsageError || isConfigError(error) ? EXIT.usage : EXIT.failed;
  }
}

/** By name: the application's own copy of the core made it. */
function isConfigError(error: unknown): boolean {
  return error instanceof Error && error.name === 'ConfigError';
}
