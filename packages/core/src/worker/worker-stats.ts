import type { Logger } from 'pino';
import type { Clock, TimerHandle } from '../clock/clock.ts';

const PERIOD_MS = 60_000;

type Counted = 'succeeded' | 'retrying' | 'dead' | 'expired' | 'leaseLost';

/** Counts the settled messages of a worker, and logs the counts once a minute, unless all are zero. */
export class WorkerStats {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #running: () => number;
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

  #log(): void {
    this.#timer = undefined;
    const counts = this.#counts;
    if (Object.values(counts).every((count) => count === 0)) return;
    this.#counts = zero();
    this.#logger.info({ ...counts, running: this.#running() }, 'tasks in the last minute');
  }
}

function zero(): Record<Counted, number> {
  return { succeeded: 0, retrying: 0, dead: 0, expired: 0, leaseLost: 0 };
}
