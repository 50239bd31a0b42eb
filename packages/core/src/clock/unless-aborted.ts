/** Resolves with the end of `work`, or once `signal` aborts. Rejects only if `work` rejects before that. */
export async function unlessAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  // Work that is abandoned may still fail: its caller does not wait for that.
  work.catch(() => undefined);
  if (signal.aborted) return;
  let stop = () => {};
  const aborted = new Promise<void>((resolve) => {
    stop = resolve;
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
