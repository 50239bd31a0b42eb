import type { Finding } from '@brokkr/core/adapter';
import { causesOf, messageOf } from '../explain.ts';

/** What one look found; `ok` where there is nothing to change. */
export interface Check {
  readonly about: 'configuration' | 'application' | 'broker' | 'queues';
  readonly severity: 'ok' | Finding['severity'];
  readonly code?: string;
  readonly message: string;
}

/** What an error and its causes say, as a check that failed. */
export function failed(about: Check['about'], error: unknown): Check {
  const { code } = error as { code?: unknown };
  const said = error instanceof Error ? [error, ...causesOf(error)].map(messageOf) : [String(error)];
  // Many an error quotes its cause.
  const told = said.filter((each, index) => !said.slice(0, index).some((before) => before.includes(each)));
  return { about, severity: 'error', ...(typeof code === 'string' && { code }), message: told.join(': ') };
}
