import type { Logger } from 'pino';
import type { Clock, TimerHandle } from '../clock/clock.ts';

const PERIOD_MS = 60_000;

type Counted = 'succeeded' | 'retrying' | 'dead' | 'expired' | 'leaseLost';

/** Counts what a worker does, and says so in one line a minute; a minute in which nothing happened is not worth one. */
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

  /** Says what is left of the last minute. */
  stop(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#tell();
  }

  count(what: Counted): void {
    this.#counts[what]++;
    this.#timer ??= this.#clock.setTimeout(() => this.#tell(), PERIOD_MS);
  }

  #tell(): void {
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
