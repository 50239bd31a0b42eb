/** How a run ended that is to be settled. */
export type SettledOutcome =
  /** `value`: the return value of the handler, if the task keeps results. */
  | { readonly kind: 'succeeded'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** The handler asked for the same attempt again. */
  | { readonly kind: 'snoozed'; readonly delayMs: number; readonly error: unknown }
  /** Somebody cancelled the task while it ran. */
  | { readonly kind: 'cancelled'; readonly error: unknown }
  /** The worker stopped before the handler ended. */
  | { readonly kind: 'interrupted' };

/** How a run ended, before anything is settled. */
export type Outcome =
  | SettledOutcome
  /** Its lease was lost: nothing is to be settled. */
  | { readonly kind: 'lost'; readonly error: unknown };
