import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

/** Milliseconds between the samples. It wakes the process as often, and is part of every sample. */
const RESOLUTION_MS = 20;

/** Measures how late the event loop of this process is. It starts at the first question. */
export class LoopDelay {
  #histogram: IntervalHistogram | undefined;

  /** The 99th percentile since the last question, milliseconds; `undefined` the first time, and if it was not measured. */
  p99Ms(): number | undefined {
    const histogram = this.#histogram;
    if (histogram === undefined) {
      this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      this.#histogram.enable();
      return undefined;
    }
    if (histogram.count === 0) return undefined;
    const ms = histogram.percentile(99) / 1e6;
    histogram.reset();
    return Math.max(0, ms - RESOLUTION_MS);
  }

  close(): void {
    this.#histogram?.disable();
  }
}
