import type { Settlement } from '../broker/settlement.ts';

/** The end of a run, for which a settlement is to be decided. */
export type OutcomeToSettle =
  /** `value` is the value that the handler returned; `undefined` if the task keeps no results. */
  | { readonly kind: 'succeeded'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** The handler threw `RetryLater`. */
  | { readonly kind: 'later'; readonly delayMs: number; readonly error: unknown }
  /** Somebody cancelled the task while it ran. */
  | { readonly kind: 'cancelled'; readonly error: unknown }
  /** A store that joins messages decided that the message does not run now. */
  | { readonly kind: 'turned-away'; readonly settlement: Settlement }
  /** The worker stopped before the handler ended. */
  | { readonly kind: 'interrupted' };

/** The end of a run. */
export type Outcome =
  | OutcomeToSettle
  /** The lease was lost: the broker would refuse a settlement. */
  | { readonly kind: 'lost'; readonly error: unknown };
