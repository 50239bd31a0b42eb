import { existsSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { clearInterval, setImmediate, setInterval } from 'node:timers';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import { LONGEST_TIMER_MS } from '../clock/longest-timer.ts';
import { THREAD_SOURCE } from './thread-source.ts';

/** Beats within `afterMs`, so that a late timer does not count as a block. */
const BEATS = 4;
/** Bounds the memory of the thread, megabytes. Idle it needs 9 MB in all, with a client of a server 25 MB. */
const LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 };

/** How a thread keeps leases and heartbeats alive while the event loop is blocked. */
export interface LoopGuardOptions {
  /**
   * A JavaScript module that the thread imports at the first block. It exports `open(data)`, which returns
   * `{ renew(now), close() }` or a promise of it. `now` is on the clock of the deadlines that `started` returns.
   */
  readonly module: URL;
  /** Passed to `open`. It must be cloneable; shared memory stays shared. */
  readonly data: object;
  /** The event loop is blocked if it did not turn for so long, milliseconds. */
  readonly afterMs: number;
  /** Time between calls of `renew` during a block, milliseconds. */
  readonly everyMs: number;
  readonly logger?: Logger | undefined;
}

/**
 * A thread that does an adapter's work while the event loop of the process is blocked: it renews leases, or sends
 * heartbeats. It ends with the process and stops with it (SIGSTOP), so the leases of a dead or stopped process expire.
 * An idle thread needs 9 MB and no processor time worth mentioning.
 */
export class LoopGuard {
  /** When the handler that starts in this turn of the loop must have ended; 0 if none does. */
  readonly #limit = new Float64Array(new SharedArrayBuffer(8));
  #isClearing = false;
  readonly #thread: Worker;
  readonly #beats: NodeJS.Timeout;

  /**
   * Starts a thread.
   * @returns `undefined` if this process may not start one, or if the module is not a file (in a bundled application)
   */
  static start(options: LoopGuardOptions): LoopGuard | undefined {
    try {
      if (existsSync(fileURLToPath(options.module))) return new LoopGuard(options);
      options.logger?.info({ module: options.module.href }, `this file is missing: ${CONSEQUENCE}`);
    } catch (error) {
      options.logger?.info({ error }, `this process may not start a thread: ${CONSEQUENCE}`);
    }
    return undefined;
  }

  private constructor({ module, data, afterMs, everyMs, logger }: LoopGuardOptions) {
    const beatMs = Math.min(afterMs / BEATS, LONGEST_TIMER_MS);
    const beats = new Int32Array(new SharedArrayBuffer(4));
    this.#thread = new Worker(THREAD_SOURCE, {
      eval: true,
      name: 'brokkr-lease',
      workerData: {
        beats,
        limit: this.#limit,
        module: module.href,
        data,
        afterMs,
        everyMs,
        turnMs: beatMs,
      },
      // Loaders and inspectors of the application are for its own threads.
      execArgv: [],
      env: {},
      resourceLimits: LIMITS,
    });
    this.#thread.on('message', (error: unknown) => logger?.warn({ error }, CONSEQUENCE));
    this.#thread.on('error', (error) => {
      this.#stopBeats();
      logger?.warn({ error }, `the lease thread ended: ${CONSEQUENCE}`);
    });
    this.#thread.unref();
    this.#beats = setInterval(() => Atomics.add(beats, 0, 1), beatMs).unref();
  }

  /**
   * A handler starts. If it blocks the event loop in this turn, `renew` is not called after its time: it may be stuck. A
   * handler that blocks later is not known. Then the module decides by the deadlines of all that run.
   * @param until end of its time limit, by `performance.now()`, milliseconds
   * @returns the same on a clock that all threads of this process share
   */
  started(until: number): number {
    const deadline = until + SHARED_CLOCK_OFFSET;
    this.#limit[0] = deadline;
    if (!this.#isClearing) {
      this.#isClearing = true;
      setImmediate(this.#clear);
    }
    return deadline;
  }

  readonly #clear = () => {
    this.#isClearing = false;
    this.#limit[0] = 0;
  };

  /** Sends a message to the module, which receives it at `parentPort`, or in `data.messages` if it was not open then. */
  post(message: unknown): void {
    this.#thread.postMessage(message);
  }

  async close(): Promise<void> {
    this.#stopBeats();
    await this.#thread.terminate();
  }

  #stopBeats(): void {
    clearInterval(this.#beats);
  }
}

const CONSEQUENCE = 'leases are not renewed while the event loop is blocked';

/** `performance.now()` counts from the start of its thread, `process.hrtime()` from the same moment in all threads. */
const SHARED_CLOCK_OFFSET = hrtimeMs() - performance.now();

function hrtimeMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1e6;
}
