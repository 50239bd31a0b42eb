import { hostname } from 'node:os';
import { memoryUsage, pid } from 'node:process';
import type { RunningTask, WorkerReport } from '../broker/worker-report.ts';
import { LoopDelay } from './loop-delay.ts';
import type { TotalsSource } from './report-source.ts';
import { VERSION } from './version.ts';

/** Most running tasks that one report names. */
const MOST_RUNNING = 100;

/** The state of a worker that changes while it runs. */
export interface WorkerState {
  readonly state: WorkerReport['state'];
  readonly paused: readonly string[];
  readonly suspect: WorkerReport['suspect'];
  readonly runningCount: number;
  runningTasks(most: number): readonly RunningTask[];
}

export interface ReportMakerOptions {
  readonly id: string;
  readonly queues: ReadonlyMap<string, number>;
  readonly concurrency: number;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly totals: TotalsSource;
  readonly now: () => WorkerState;
}

/** Makes the reports of one worker. */
export class ReportMaker {
  readonly #options: ReportMakerOptions;
  readonly #loopDelay = new LoopDelay();

  constructor(options: ReportMakerOptions) {
    this.#options = options;
    this.#loopDelay.start();
  }

  close(): void {
    this.#loopDelay.stop();
  }

  report(): WorkerReport {
    const { id, queues, concurrency, startedAt, totals, now } = this.#options;
    const state = now();
    return {
      id,
      host: hostname(),
      pid,
      version: VERSION,
      startedAt,
      state: state.state,
      queues: Object.fromEntries(queues),
      paused: state.paused,
      concurrency,
      ...(state.suspect !== undefined && { suspect: state.suspect }),
      running: state.runningTasks(MOST_RUNNING),
      runningCount: state.runningCount,
      totals: totals.totals(),
      rssBytes: memoryUsage.rss(),
      loopDelayMs: this.#loopDelay.take(),
    };
  }
}
