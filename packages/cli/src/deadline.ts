/** Node's longest timer. A longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Time between the end of `TASK_SHUTDOWN_TIMEOUT` and the forced end of a worker process. A worker needs at most 4 s of
 * it: 2 s for the last settlements, 2 s for closing its subscriptions.
 */
export const FORCED_END_MS = 4_000;

/** Calls `act` after `ms`; keeps the process alive until then. @returns cancels it */
export function after(ms: number, act: () => void): () => void {
  const timer = setTimeout(act, Math.min(ms, LONGEST_TIMER_MS));
  return () => clearTimeout(timer);
}

/** Waits for `work`, but at most `ms`. @returns whether it finished in time; rejects if it does */
export async function inTime(work: Promise<unknown>, ms: number): Promise<boolean> {
  let cancel: () => void = () => undefined;
  const timeout = new Promise<boolean>((resolve) => {
    cancel = after(ms, () => resolve(false));
  });
  try {
    return await Promise.race([work.then(() => true), timeout]);
  } finally {
    cancel();
  }
}
