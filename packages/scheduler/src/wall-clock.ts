import type { Clock } from '@brokkr/core/adapter';

const LOOK_EVERY_MS = 10_000;
/** Less than a tick may be late anyway. */
const TOLERATED_MS = 50;

/**
 * Calls `onSet` when the wall clock was set, or the machine slept: timers know nothing of either, and a tick of tomorrow
 * would come as late as the clock went ahead. The answer ends the watch, which keeps no process alive.
 */
export function watchWallClock(clock: Clock, onSet: () => void): () => void {
  let offset = clock.now() - clock.monotonic();
  const timer = setInterval(() => {
    const seen = clock.now() - clock.monotonic();
    if (Math.abs(seen - offset) < TOLERATED_MS) return;
    offset = seen;
    onSet();
  }, LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
