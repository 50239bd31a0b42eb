/** Most messages that a queue of batch tasks may send ahead, unless one batch has more. */
const MOST_AHEAD = 2_000;

/** As many messages as the slots can hold: with a lower prefetch a batch could not gather while others run. */
export function prefetchFor(concurrency: number, largestBatch: number): number {
  return Math.max(concurrency, largestBatch, Math.min(MOST_AHEAD, concurrency * largestBatch));
}
