import { CommanderError } from 'commander';
import { EXIT, UsageError } from './exit.ts';
import { explain } from './explain.ts';
import { tolerateClosedOutput } from './output.ts';
import { makeProgram } from './program.ts';

export { endProcess } from './exit.ts';

/** Errors of the core that mean a wrong setting, option or task: trying again cannot help. */
const WRONG_SETTING: ReadonlySet<string> = new Set(['ConfigError', 'UnsupportedFeatureError']);

/**
 * Runs one command line.
 *
 * @param args without node and the script
 * @returns the exit code: 0 success, 1 failure, 2 wrong usage or configuration
 */
export async function main(args: readonly string[]): Promise<number> {
  tolerateClosedOutput();
  let code: number = EXIT.fine;
  const program = makeProgram((exit) => {
    code = exit;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    // Commander has printed the error, or the help that the user asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.usage;
    process.stderr.write(`${explain(error)}\n`);
    return error instanceof UsageError || isWrongSetting(error) ? EXIT.usage : EXIT.failed;
  }
}

/** Compared by name, because the application's own copy of the core created the error. */
function isWrongSetting(error: unknown): boolean {
  return error instanceof Error && WRONG_SETTING.has(error.name);
}
