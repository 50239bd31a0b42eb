// From the modules: tests that fake timers replace the global ones, and `drain()` would hang.
import { performance } from 'node:perf_hooks';
import { setImmediate, setTimeout } from 'node:timers';

/** Milliseconds since a fixed instant, in real time. */
export function realNow(): number {
  return performance.now();
}

/** Resolves after one turn of the event loop. */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Resolves after one millisecond of real time, so that real I/O can make progress. */
export function millisecond(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
