import { LONGEST_TIMER_MS } from './longest-timer.ts';

/** Keeps the process alive until the returned function is called: for waits that Node does not count as work. */
export function keepAlive(): () => void {
  const timer = setInterval(() => undefined, LONGEST_TIMER_MS);
  return () => clearInterval(timer);
}
