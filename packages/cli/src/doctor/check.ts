import type { Finding } from '@brokkr/core/adapter';
import { describe } from '../explain.ts';

/** The result of one check of `brokkr doctor`. */
export interface Check {
  readonly about: 'configuration' | 'application' | 'features' | 'broker' | 'queues';
  readonly severity: 'ok' | Finding['severity'];
  readonly code?: string;
  readonly message: string;
  /** Whether each feature works, for programs. */
  readonly features?: Readonly<Record<string, boolean>>;
}

/** A check that failed with `error`. */
export function failed(about: Check['about'], error: unknown): Check {
  const { code } = error as { code?: unknown };
  const message = error instanceof Error ? describe(error) : String(error);
  return { about, severity: 'error', ...(typeof code === 'string' && { code }), message };
}
