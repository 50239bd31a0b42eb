const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 2_000;

/** Milliseconds before a broker that failed is asked again: 50, doubled up to 2 s. @param lastMs the wait before, 0 at first */
export function nextWait(lastMs: number): number {
  return Math.min(Math.max(FIRST_WAIT_MS, lastMs * 2), LONGEST_WAIT_MS);
}
