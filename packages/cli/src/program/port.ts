import { InvalidArgumentError } from 'commander';
import { parsePort } from '../monitoring/monitor-options.ts';

/** Reads a port from the command line. @throws InvalidArgumentError if it is not a number from 1 to 65535 */
export function port(text: string): number {
  const parsed = parsePort(text);
  if (parsed !== undefined) return parsed;
  throw new InvalidArgumentError('a port from 1 to 65535 is needed.');
}
