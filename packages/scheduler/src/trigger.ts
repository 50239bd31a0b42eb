/** When a job is due: instants in epoch milliseconds, strictly increasing. */
export interface Trigger {
  /** The first tick after `instant`; `undefined` where there is none. */
  next(instant: number): number | undefined;
  /** It means one instant, and no calendar. */
  readonly isOnce: boolean;
  /** In words, for people. */
  readonly words: string;
}
