const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 2_000;

/**
 * Milliseconds to wait before the next try after a failure: 50, then twice the wait before, up to 2 s.
 * @param lastMs the wait before the failed try; 0 if there was none
 */
export function backoff(lastMs: number): number {
  return Math.min(Math.max(FIRST_WAIT_MS, lastMs * 2), LONGEST_WAIT_MS);
}
