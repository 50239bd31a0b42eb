import { UsageError } from '../exit.ts';

/** A port that could not be opened. */
export interface RefusedPort {
  /** For the error: what would be served. */
  readonly what: string;
  readonly port: number;
  readonly host: string;
  /** The option that chose the port. */
  readonly option: string;
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'it is in use',
  EACCES: 'this user may not open it',
  EADDRNOTAVAIL: 'this machine does not have that address',
  ENOTFOUND: 'there is no such host',
};

/** The error of a port that cannot be opened: it names the reason and the option that chooses another port. */
export function portRefused(cause: NodeJS.ErrnoException, { what, port, host, option }: RefusedPort): UsageError {
  const reason = REASONS[cause.code ?? ''] ?? cause.message;
  return new UsageError(`cannot serve ${what} on port ${port} of ${host}: ${reason}; choose another with ${option}`);
}
