import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

/** Milliseconds between samples: 50 a second cost an idle process 0.1 % of a core. */
const RESOLUTION_MS = 20;

/** How late timers of this process fire, since the last look. */
export class LoopDelay {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  start(): void {
    this.#histogram.enable();
  }

  stop(): void {
    this.#histogram.disable();
  }

  /** Returns the 99th percentile in milliseconds, 0 without samples, and forgets the samples. */
  take(): number {
    const p99Ms = this.#histogram.percentile(99) / 1e6;
    this.#histogram.reset();
    // Samples include the interval of the sampling itself.
    return Math.round(Math.max(0, p99Ms - RESOLUTION_MS) * 10) / 10;
  }
}
