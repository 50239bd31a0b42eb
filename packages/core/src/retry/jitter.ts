import { ConfigError } from '../errors/errors.ts';
import { shown } from '../errors/kind-of.ts';

export interface JitterOptions {
  /**
   * Share of the wait, 0 to 1, that chance may add: a wait lies between `d` and `d × (1 + jitter)`, never early,
   * capped by the policy's `max`. @default 0
   */
  readonly jitter?: number | undefined;
  /** Source of chance, from 0 up to 1. @default Math.random */
  readonly random?: (() => number) | undefined;
}

/** The wait with chance added, in whole milliseconds. */
export function addJitter(waitMs: number, options: JitterOptions): number {
  const share = options.jitter ?? 0;
  return share === 0 ? waitMs : Math.ceil(waitMs * (1 + share * (options.random ?? Math.random)()));
}

export function checkJitter(policy: string, jitter: number | undefined): void {
  if (jitter !== undefined && !(jitter >= 0 && jitter <= 1)) {
    throw new ConfigError(`${policy}: jitter is a share from 0 to 1, got ${shown(jitter)}`, {
      code: 'RETRY_POLICY_INVALID',
    });
  }
}
