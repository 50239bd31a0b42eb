import type { Finding } from '@brokkr/core';

/** What one look found; `ok` where there is nothing to change. */
export interface Check {
  readonly about: 'configuration' | 'application' | 'broker' | 'queues';
  readonly severity: 'ok' | Finding['severity'];
  readonly code?: string;
  readonly message: string;
}

/** What an error says, as a check that failed. */
export function failed(about: Check['about'], error: unknown): Check {
  const { message, code, cause } = error as { message?: unknown; code?: unknown; cause?: unknown };
  const because = cause instanceof Error ? `: ${cause.message}` : '';
  return {
    about,
    severity: 'error',
    ...(typeof code === 'string' && { code }),
    message: `${typeof message === 'string' ? message : String(error)}${because}`,
  };
}
