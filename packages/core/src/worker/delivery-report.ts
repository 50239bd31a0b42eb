import type { Settlement } from '../broker/settlement.ts';

/** How a delivery ended, to be reported once the broker has confirmed its settlement. */
export interface EndReport {
  readonly event: 'succeeded' | 'retrying' | 'dead' | 'expired' | 'cancelled' | 'interrupted' | 'none';
  /** How long the handler ran, milliseconds; `undefined` if it did not run. */
  readonly ranMs: number | undefined;
  readonly error?: unknown;
}

/** A message that was released before it ran, or delayed because it must not run yet. */
export const NO_REPORT: EndReport = { event: 'none', ranMs: undefined };

/**
 * The report of a settlement.
 * @param ranMs how long the handler ran; `undefined` if it did not run
 * @param error the error that the handler threw, which may be `undefined` too
 */
export function reportOf(settlement: Settlement, ranMs?: number, error?: unknown): EndReport {
  switch (settlement.kind) {
    case 'ack':
      return { event: 'succeeded', ranMs };
    case 'retry':
      return ranMs === undefined ? NO_REPORT : { event: 'retrying', ranMs, error };
    case 'dead-letter':
      return { event: 'dead', ranMs, error };
    case 'expire':
      return { event: 'expired', ranMs };
    case 'release':
      return ranMs === undefined ? NO_REPORT : { event: 'interrupted', ranMs };
  }
}
