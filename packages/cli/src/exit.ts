export const EXIT = { fine: 0, failed: 1, usage: 2 } as const;

/** The command line, or what it points to, is wrong: one line that says what to do, and exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
