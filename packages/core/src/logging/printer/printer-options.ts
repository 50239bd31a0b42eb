/** How log lines look on a terminal. */
export interface PrinterOptions {
  readonly colors: boolean;
  /** Whether the terminal shows marks such as `●`; otherwise they are ASCII. */
  readonly unicode: boolean;
  /** Returns the columns of the terminal; called for each line, because a window can change its size. */
  readonly width: () => number;
  /** Time of day in the local zone or in UTC, or the full time (ISO 8601, UTC). */
  readonly time: 'local' | 'utc' | 'iso';
  /** Which stack frames of an error are printed. */
  readonly stack: 'application' | 'full';
  /** Number of the process, for a prefix such as `#2`, if several processes share the terminal. */
  readonly process?: number | undefined;
}
