/** Exit codes of the command. */
export const EXIT = { fine: 0, failed: 1, usage: 2 } as const;

/** Sets the exit code of the command line. */
export type Exit = (code: number) => void;

/** The command line, or a file that it names, is wrong. One line says what to do, and the exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Applications may leave connections and timers open: time for them to end by themselves. */
const LEFTOVERS_MS = 1_000;

/**
 * Ends the process with `code`, even if the application left something open, or a parent process (PM2) an IPC channel.
 */
export function endProcess(code: number): void {
  process.exitCode = code;
  if (process.connected) process.disconnect();
  setTimeout(() => process.exit(), LEFTOVERS_MS).unref();
}
