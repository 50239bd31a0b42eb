/** Workers report every 5 s. After 12 s two reports in a row are missing, and the second one is 2 s late. */
const LEAST_MS = 12_000;
/** Of more than 500 workers, each reports every 10 ms times their number. */
const MS_PER_WORKER = 25;

/**
 * Age in milliseconds from which the last report of a worker makes it count as silent: its event loop is blocked, it died,
 * or it lost the broker.
 * @param workers how many workers report
 */
export function silentAfterMs(workers: number): number {
  return Math.max(LEAST_MS, workers * MS_PER_WORKER);
}
