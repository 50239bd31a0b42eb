import type { Logger } from 'pino';
import type { WorkerDirectory } from '../broker/worker-directory.ts';
import type { WorkerReport } from '../broker/worker-report.ts';
import type { Clock, TimerHandle } from '../clock/clock.ts';
import { LONGEST_TIMER_MS } from '../clock/longest-timer.ts';
import { pause } from '../clock/pause.ts';

/** How long a report is kept. A worker that sends none for so long counts as gone. */
const TTL_MS = 30_000;
/** The next report after one that failed. */
const AGAIN_MS = 5_000;
const SHORTEST_MS = 1_000;
/** How long a stop waits until the report is forgotten. */
const RETIRE_MS = 2_000;

export interface ReportLoopOptions {
  readonly directory: WorkerDirectory;
  readonly report: () => WorkerReport;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Reports a worker to the broker, as often as the broker wants reports. A failure is logged, and never touches a task. */
export class ReportLoop {
  readonly #options: ReportLoopOptions;
  #timer: TimerHandle | undefined;
  #reporting: Promise<void> | undefined;
  #isDue = false;
  #hasBegun = false;
  #isStopped = false;

  constructor(options: ReportLoopOptions) {
    this.#options = options;
  }

  /** Sends the first report. */
  begin(): void {
    this.#hasBegun = true;
    this.reportNow();
  }

  /** Reports now, because something changed. Does nothing before the first report. */
  reportNow(): void {
    this.#isDue = true;
    if (this.#hasBegun && !this.#isStopped) this.#reporting ??= this.#report();
  }

  /** Ends the reports, and lets the broker forget the worker. Waits at most 2 s. Never rejects. */
  async stop(workerId: string): Promise<void> {
    const { clock, directory, logger } = this.#options;
    this.#isStopped = true;
    clock.clearTimeout(this.#timer);
    // Without a report there is nothing to forget, and an unreachable server may be the reason.
    if (!this.#hasBegun) return;
    const retired = new AbortController();
    // A report that is on its way would undo it.
    const retiring = Promise.resolve(this.#reporting)
      .then(() => directory.retire(workerId))
      .catch((error: unknown) => logger.debug({ error }, 'the report of a worker could not be removed'));
    await Promise.race([retiring, pause(clock, RETIRE_MS, retired.signal)]);
    retired.abort();
  }

  async #report(): Promise<void> {
    const { directory, report, clock, logger } = this.#options;
    clock.clearTimeout(this.#timer);
    let nextMs = AGAIN_MS;
    while (this.#isDue && !this.#isStopped) {
      this.#isDue = false;
      try {
        nextMs = Math.max(SHORTEST_MS, (await directory.report(report(), TTL_MS)).nextMs);
      } catch (error) {
        nextMs = AGAIN_MS;
        logger.debug({ error }, 'a worker could not report');
      }
    }
    this.#reporting = undefined;
    // A broker that wants no further report asks for one in the infinite future.
    if (!this.#isStopped && nextMs <= LONGEST_TIMER_MS) this.#timer = clock.setTimeout(() => this.reportNow(), nextMs);
  }
}
