import type { Clock, TimerHandle } from './clock.ts';

/** Node overflows longer timers to one millisecond, so long waits are walked in steps. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

interface SystemTimer {
  node: NodeJS.Timeout;
}

/** The host's clock and Node's timers; waits of any length. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout(callback, delayMs) {
    if (delayMs <= LONGEST_TIMER_MS) return { node: setTimeout(callback, delayMs) } satisfies SystemTimer;
    const timer: SystemTimer = { node: setTimeout(step, LONGEST_TIMER_MS) };
    let leftMs = delayMs - LONGEST_TIMER_MS;
    function step(): void {
      const nextMs = Math.min(leftMs, LONGEST_TIMER_MS);
      leftMs -= nextMs;
      timer.node = setTimeout(leftMs > 0 ? step : callback, nextMs);
    }
    return timer;
  },
  clearTimeout(timer: TimerHandle) {
    clearTimeout((timer as SystemTimer | undefined)?.node);
  },
};
