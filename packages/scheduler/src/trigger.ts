/** The last instant that a `Date` can hold, epoch milliseconds: 13 September 275760. */
export const LAST_INSTANT = 8_640_000_000_000_000;

/** When a job is due: instants in epoch milliseconds, strictly increasing. */
export interface Trigger {
  /** Returns the first tick after `instant`; `undefined` after the last one. Depends on nothing but `instant`. */
  next(instant: number): number | undefined;
  /** Whether there is one tick only. */
  readonly isOnce: boolean;
  /** The trigger in words, for people. */
  readonly words: string;
}
