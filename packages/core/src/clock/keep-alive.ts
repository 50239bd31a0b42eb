const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Keeps the process from ending while something waits that Node does not count; call the answer to let it go. */
export function keepAlive(): () => void {
  const timer = setInterval(() => undefined, LONGEST_TIMER_MS);
  return () => clearInterval(timer);
}
