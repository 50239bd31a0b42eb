import type { Logger } from 'pino';
import type { TaskTotals } from '../broker/worker-report.ts';
import type { Clock, TimerHandle } from '../clock/clock.ts';
import type { TotalsSource } from './report-source.ts';

const PERIOD_MS = 60_000;

type Counted = 'succeeded' | 'retrying' | 'dead' | 'expired' | 'cancelled' | 'leaseLost';

/** Counts the ends of runs, and logs the counts of each minute in which something ended. */
export class WorkerStats implements TotalsSource {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #running: () => number;
  readonly #sums = zero();
  #counts = zero();
  #timer: TimerHandle | undefined;

  constructor(clock: Clock, logger: Logger, running: () => number) {
    this.#clock = clock;
    this.#logger = logger;
    this.#running = running;
  }

  /** Logs the counts since the last line. */
  stop(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#log();
  }

  count(what: Counted): void {
    this.#counts[what]++;
    this.#timer ??= this.#clock.setTimeout(() => this.#log(), PERIOD_MS);
  }

  /** Everything that this worker has counted, in one row. */
  totals(): readonly TaskTotals[] {
    const sum = (name: Counted) => this.#sums[name] + this.#counts[name];
    const none = { sumMs: 0, counts: [] };
    return [
      {
        queue: '_other',
        task: '_other',
        succeeded: sum('succeeded'),
        retried: sum('retrying'),
        dead: sum('dead'),
        expired: sum('expired'),
        cancelled: sum('cancelled'),
        leaseLost: sum('leaseLost'),
        ran: none,
        waited: none,
      },
    ];
  }

  #log(): void {
    this.#timer = undefined;
    const counts = this.#counts;
    if (Object.values(counts).every((count) => count === 0)) return;
    for (const name of Object.keys(counts) as Counted[]) this.#sums[name] += counts[name];
    this.#counts = zero();
    this.#logger.info({ ...counts, running: this.#running() }, 'tasks in the last minute');
  }
}

function zero(): Record<Counted, number> {
  return { succeeded: 0, retrying: 0, dead: 0, expired: 0, cancelled: 0, leaseLost: 0 };
}
