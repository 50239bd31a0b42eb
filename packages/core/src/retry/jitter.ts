import { ConfigError } from '../errors/errors.ts';
import { shown } from '../errors/kind-of.ts';

export interface JitterOptions {
  /**
   * Random part of the wait, as a share from 0 to 1: a wait is between `d` and `d × (1 + jitter)`, and at most the
   * `max` of the policy. @default 0
   */
  readonly jitter?: number | undefined;
  /** Returns a random number from 0 up to 1. @default Math.random */
  readonly random?: (() => number) | undefined;
}

/** Adds jitter to a wait. @returns whole milliseconds */
export function addJitter(waitMs: number, options: JitterOptions): number {
  const share = options.jitter ?? 0;
  return share === 0 ? waitMs : Math.ceil(waitMs * (1 + share * (options.random ?? Math.random)()));
}

export function checkJitter(policy: string, jitter: number | undefined): void {
  if (jitter !== undefined && !(jitter >= 0 && jitter <= 1)) {
    throw new ConfigError(`${policy}: jitter must be a number from 0 to 1; got ${shown(jitter)}`, {
      code: 'RETRY_POLICY_INVALID',
    });
  }
}
