/** How a run ended that is to be settled. */
export type SettledOutcome =
  /** `value`: what the handler returned, where the task keeps results. */
  | { readonly kind: 'succeeded'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** The handler asked for the same attempt again. */
  | { readonly kind: 'snoozed'; readonly delayMs: number; readonly error: unknown }
  /** It did not get to its end here: shutdown. */
  | { readonly kind: 'interrupted' };

/** How a run ended, before anything is settled. */
export type Outcome =
  | SettledOutcome
  /** Its lease was lost: nothing is to be settled. */
  | { readonly kind: 'lost'; readonly error: unknown };
