import { EXIT } from '../exit.ts';

/** Node's exit code if the event loop is empty while the main module still awaits something. */
const NOTHING_LEFT = 13;

/**
 * Reports an exit that the command did not decide: `process.exit` in a handler or in the application. Such a worker exits
 * with 1, even if the application asked for 0 (a success) or 2 (which a supervisor takes for a wrong setting).
 *
 * @param report called with one line about the exit, in the context of the code that called `process.exit`
 * @returns permits the process to exit
 */
export function guardExit(report: (message: string) => void): () => void {
  const guard = (code: number) => {
    process.exitCode = EXIT.failed;
    report(
      code === NOTHING_LEFT
        ? 'the process ends because nothing is left that it could wait for; the worker had not stopped'
        : `process.exit(${code}) was called; the worker had not stopped`,
    );
  };
  process.once('exit', guard);
  return () => void process.off('exit', guard);
}
