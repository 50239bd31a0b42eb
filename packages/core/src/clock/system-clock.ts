import type { Clock, TimerHandle } from './clock.ts';
import { LONGEST_TIMER_MS } from './longest-timer.ts';

interface SystemTimer {
  node: NodeJS.Timeout;
}

/** The clock of the host, with Node's timers. A wait longer than Node's longest timer is divided into several timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout(callback, delayMs) {
    // Node cuts off the fraction, and would fire early.
    const wholeMs = Math.ceil(delayMs);
    if (wholeMs <= LONGEST_TIMER_MS) return { node: setTimeout(callback, wholeMs) } satisfies SystemTimer;
    const timer: SystemTimer = { node: setTimeout(step, LONGEST_TIMER_MS) };
    let leftMs = wholeMs - LONGEST_TIMER_MS;
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
